"""From a change that was seen to an ending on the bus: the queue, the record, the decision, the publish, the sweep."""

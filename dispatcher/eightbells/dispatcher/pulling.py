"""When the kubelet asks the registry again for an image that it has."""


def pull_policy(image: str) -> str:
    """Return IfNotPresent where the name always means the same image, as far as a name can; else Always."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if "@" in image or tag not in ("", "latest") else "Always"

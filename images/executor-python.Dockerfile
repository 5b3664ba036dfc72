# An executor for Python programs: the runtime and a base, and what Python needs to be well in a container.
# `make images` builds it; BASE is any image, RUNTIME the tag that `make images` gave to the runtime.
ARG BASE=docker.io/library/python:3.13-slim
ARG RUNTIME=eightbells-runtime
FROM ${RUNTIME} AS runtime
FROM ${BASE}
COPY --from=runtime / /eightbells
# Output comes when it is written, and nothing is written beside modules: the root may be read-only.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["/eightbells/bin/eightbells-wrapper", "--"]
ARG BASE
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="eightbells executor, Python" \
      org.opencontainers.image.description="Runs Python programs and reports how they ended" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"

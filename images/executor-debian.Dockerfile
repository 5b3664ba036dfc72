# An executor for programs of Debian: what your own image looks like, with your packages and files before USER.
# `make images` builds it; BASE is any image, RUNTIME the tag that `make images` gave to the runtime.
ARG BASE=docker.io/library/debian:13-slim
ARG RUNTIME=eightbells-runtime
FROM ${RUNTIME} AS runtime
FROM ${BASE}
COPY --from=runtime / /eightbells
USER 65532:65532
ENTRYPOINT ["/eightbells/bin/eightbells-wrapper", "--"]
ARG BASE
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="eightbells executor, Debian" \
      org.opencontainers.image.description="Runs the programs of a Debian and reports how they ended" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"

# An executor of a foreign image: no C library, no Python, one static program. Nothing of the base is used by the runtime.
# `make images` builds it; BASE is any image, RUNTIME the tag that `make images` gave to the runtime.
ARG BASE=docker.io/library/busybox:stable-musl
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
LABEL org.opencontainers.image.title="eightbells executor, a foreign image" \
      org.opencontainers.image.description="Runs static programs, with no C library in the image, and reports how they ended" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"

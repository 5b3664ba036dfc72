# The runtime and nothing else: other images copy it, or it installs itself as an init container. See docs/images.md.
# `make images` builds it; by hand: docker build -f images/runtime.Dockerfile dist
FROM scratch
ARG ARCH=amd64
ADD eightbells-runtime-${ARCH}.tar.xz /
USER 65532:65532
ENTRYPOINT ["/bin/eightbells-wrapper"]
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="eightbells runtime" \
      org.opencontainers.image.description="The wrapper for any image: copy / to /eightbells, or run it with --install DIR" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

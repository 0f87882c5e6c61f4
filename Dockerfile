# Two stages: one that builds, and one that holds the program, its libraries and nothing else.
#
#   docker build -t maitre .
#   docker run -v ./maitre:/data maitre          # with /data/config.yaml

ARG BUILDER=docker.io/library/rust:1.95-slim-bookworm

FROM ${BUILDER} AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN cargo build --locked --release --bin maitre

# What the running program needs: itself, the libraries it is linked to, certificates, a user, and a place for state.
RUN set -eu; \
    mkdir -p /image/usr/local/bin /image/etc/ssl/certs /image/usr/share/doc/maitre /image/data /image/tmp; \
    cp target/release/maitre /image/usr/local/bin/; \
    ldd target/release/maitre | grep -o '/[^ ]*' | while read -r library; do \
        mkdir -p "/image$(dirname "$library")"; \
        cp -L "$library" "/image$library"; \
    done; \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; \
    cp LICENSE-MIT LICENSE-APACHE config.yaml.example /image/usr/share/doc/maitre/; \
    echo 'maitre:x:10001:10001:Maitre:/data:/nonexistent' > /image/etc/passwd; \
    echo 'maitre:x:10001:' > /image/etc/group; \
    chown 10001:10001 /image/data; \
    chmod 0700 /image/data; \
    chmod 1777 /image/tmp

FROM scratch
COPY --from=builder /image /
USER 10001:10001
ENV MAITRE_CONFIG=/data/config.yaml
WORKDIR /data
VOLUME /data
EXPOSE 8766
# Healthy means: it answers. One entity that can't log in is no reason to start all of them anew; `docker exec … maitre
# status` says who isn't up, and why.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["/usr/local/bin/maitre", "status", "--alive"]
ENTRYPOINT ["/usr/local/bin/maitre"]
CMD ["run"]

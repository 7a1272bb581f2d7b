# The project's images. Targets: gateway (the gateway and the provider simulator), redis (Redis and
# Sentinel with the agents that start and stop them), ops (the backup job of Redis), edge (nginx
# with the agent that reports the gateway's pods to it).
#
# Build with Docker or buildah; `make up` builds them without a container engine.
#   docker build --target gateway -t seawall-gateway .
# Behind a proxy that inspects TLS:   --secret id=extra_ca,src=company-ca.pem
# With your own package index:        --secret id=pip_conf,src=pip.conf
# Pin the bases by digest for production: --build-arg PYTHON_IMAGE=... --build-arg REDIS_IMAGE=...
# --build-arg NGINX_IMAGE=...
ARG NGINX_IMAGE=docker.io/library/nginx:1.26-bookworm
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm
ARG REDIS_IMAGE=docker.io/library/redis:7-bookworm

# The steps that several images share are in tools/images/steps.
FROM ${PYTHON_IMAGE} AS python
RUN --mount=type=bind,source=tools/images/steps,target=/steps sh /steps/python.sh

FROM python AS gateway-packages
COPY locks/gateway.txt /locks/gateway.txt
RUN --mount=type=bind,source=tools/images/steps,target=/steps \
    --mount=type=secret,id=extra_ca,target=/run/secrets/extra_ca \
    --mount=type=secret,id=pip_conf,target=/run/secrets/pip_conf \
    sh /steps/packages.sh /locks/gateway.txt

FROM python AS gateway
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=gateway-packages /opt/venv /opt/venv
COPY contract /app/contract
COPY service /app/service
COPY simulator /app/simulator
# Compiled here because the root file system is read-only at run time. The bytecode is validated by
# hash because a reproducible build sets the time of every file.
RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app
WORKDIR /app
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8081/health/live', timeout=2)"]
ENTRYPOINT ["python3", "-m", "service"]

# Public Redis images contain no Python, but the agents need it.
FROM ${REDIS_IMAGE} AS redis-python
USER root
RUN --mount=type=bind,source=tools/images/steps,target=/steps sh /steps/python.sh

FROM redis-python AS redis-packages
COPY locks/agents.txt /locks/agents.txt
RUN --mount=type=bind,source=tools/images/steps,target=/steps \
    --mount=type=secret,id=extra_ca,target=/run/secrets/extra_ca \
    --mount=type=secret,id=pip_conf,target=/run/secrets/pip_conf \
    sh /steps/packages.sh /locks/agents.txt

FROM redis-python AS redis
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=redis-packages /opt/venv /opt/venv
COPY contract /app/contract
COPY agents /app/agents
RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app
WORKDIR /app
USER 10001:10001
EXPOSE 6379 6380 26379
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["sh", "agents/redis/probe.sh", "redis-live", "6379"]
ENTRYPOINT ["python3", "-m", "agents"]
CMD ["redis"]

# The backup job: redis-cli and redis-check-rdb of the Redis version that writes the data, and boto3.
FROM redis-python AS ops-packages
COPY locks/ops.txt /locks/ops.txt
RUN --mount=type=bind,source=tools/images/steps,target=/steps \
    --mount=type=secret,id=extra_ca,target=/run/secrets/extra_ca \
    --mount=type=secret,id=pip_conf,target=/run/secrets/pip_conf \
    sh /steps/packages.sh /locks/ops.txt

FROM redis-python AS ops
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=ops-packages /opt/venv /opt/venv
COPY contract /app/contract
COPY agents /app/agents
RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python3", "-m", "agents"]
CMD ["backup"]

# Public nginx images contain no Python, but the agent needs it, with only its standard library.
FROM ${NGINX_IMAGE} AS edge
USER root
RUN --mount=type=bind,source=tools/images/steps,target=/steps sh /steps/python.sh
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY contract /app/contract
COPY agents /app/agents
RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8443
# On SIGQUIT nginx finishes its open requests before it ends. SIGTERM would cut them off.
STOPSIGNAL SIGQUIT
ENTRYPOINT []
CMD ["nginx", "-e", "stderr", "-g", "daemon off;", "-c", "/etc/seawall/edge/nginx.conf"]

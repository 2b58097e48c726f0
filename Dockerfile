# syntax=docker/dockerfile:1
# Build: packages from the lock alone, hashes checked, into an environment that is copied whole.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY features features
COPY reco reco
COPY training training
# The back end that builds the wheel stays in this stage.
RUN pip install --no-cache-dir hatchling \
    && /venv/bin/pip install --no-cache-dir --no-deps "$(pip wheel -q --no-deps --no-build-isolation -w /wheel . && ls /wheel/*.whl)"

# Serve: no compiler, no package manager's cache, no root.
FROM python:3.11-slim
# What implicit and scikit-learn load at run time.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 reco
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 RECO_HOME=/home/reco/home
USER reco
WORKDIR /home/reco
# For a processor of this kind, and this user: for others the first start compiles.
RUN python -m reco.compiling
EXPOSE 8000
# Alive is not ready: a database that is away is no reason to kill the process.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# The database is the operator's: RECO_DATABASE_URL and RECO_SECRET are set where it runs.
CMD ["reco", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-demo"]

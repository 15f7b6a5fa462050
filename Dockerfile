# docker build -t gluonvae . && docker run --rm -v "$PWD/runs:/work/runs" gluonvae train
FROM python:3.11-slim

# MXNet is linked with these two libraries of GCC, which slim images come without
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 libquadmath0 \
    && rm -rf /var/lib/apt/lists/*

COPY . /src
RUN pip install --no-cache-dir /src && rm -rf /src

WORKDIR /work
ENTRYPOINT ["gluonvae"]

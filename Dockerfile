# docker build -t gluonvae . && docker run --rm -v "$PWD/runs:/work/runs" gluonvae train
# The wheel is built in the full image, which has git: the version is that of git's last tag
FROM python:3.11 AS build
COPY . /src
RUN pip wheel --no-deps --wheel-dir /wheels /src

FROM python:3.11-slim

# MXNet is linked with these two libraries of GCC, which slim images come without
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 libquadmath0 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -rf /wheels

WORKDIR /work
ENTRYPOINT ["gluonvae"]

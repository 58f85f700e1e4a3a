# One image for every process: docker run nafasi serve | worker | beat | migrate ...
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock requirements-local.lock ./
RUN python -m venv /opt/nafasi \
    && /opt/nafasi/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
# The build backend comes from the locks too, but stays out of the image.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --requirement requirements-local.lock
COPY . .
RUN /opt/build/bin/pybabel compile --directory sessions/locale \
    && /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/nafasi/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home nafasi
COPY --from=build /opt/nafasi /opt/nafasi
ENV PATH=/opt/nafasi/bin:$PATH PYTHONUNBUFFERED=1
USER nafasi
WORKDIR /home/nafasi
EXPOSE 8000
ENTRYPOINT ["nafasi"]
CMD ["serve", "--host", "0.0.0.0"]

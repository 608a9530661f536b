# The gateway, for a PostgreSQL of the operator's own: docs/operations.md. What is built in is the production code with the
# generated client; PostgreSQL's and Node's own binaries from npm, which the embedded default needs, are left out.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--omit=dev", "--omit=optional"]
COPY prisma.config.ts ./
COPY prisma ./prisma
COPY tools ./tools
RUN ["node", "tools/generate.mjs", "client"]
COPY src ./src

FROM node:24.21.0-bookworm-slim
# Which build this is: `docker build --build-arg COMMIT=$(git rev-parse HEAD)`.
ARG COMMIT=unknown
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 TENDER_COMMIT=$COMMIT
WORKDIR /app
# Root's, so that the gateway cannot write to itself. It writes nowhere: the root file system may be read-only.
COPY --from=build /app ./
USER node
EXPOSE 4000
# Whether the process answers. Whether it is to be sent requests is /readyz, which a load balancer asks.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# Node itself and no shell or npm: signals reach it.
CMD ["node", "--max-semi-space-size=32", "src/main.ts"]

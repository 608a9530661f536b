import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cloneDatabase } from '../harness/database.ts';
import { until as untilTrue } from '../harness/until.ts';
import { spawnGateway, until, untilUp } from './gateway-process.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Prints the modules of OpenTelemetry that a process has loaded, when it ends. */
const WATCH = `import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
process.on('exit', () => console.log(JSON.stringify([loaded.length, loaded.filter((url) => /opentelemetry|src.tracing/.test(url))])));`;

test('a start without tracing loads none of its libraries', () => {
  const { PATH = '', HOME = '' } = process.env;
  // Everything that main.ts imports is there when it finds that the port is none.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(WATCH)}`, MAIN],
    { env: { PATH, HOME, PORT: 'none' }, encoding: 'utf8' },
  );
  expect(stderr).toMatch(/^PORT: /);
  const [count, ofTracing] = JSON.parse(stdout) as [number, string[]];
  expect(count).toBeGreaterThan(300);
  // prom-client has the interfaces, which do nothing by themselves.
  expect(ofTracing.filter((url) => !url.includes('/@opentelemetry/api/'))).toEqual([]);
});

/** A collector on loopback, and what it was sent. */
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = `${request.url} `;
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('where a collector is set, it is sent the traces, the last of them when the gateway stops', async () => {
  const { bodies, url } = await startCollector();
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  const gateway = await untilUp(
    spawnGateway({
      DATABASE_URL: database.connectionString,
      TENDER_SECRET: 'a secret of the tests that has more than 32 characters',
      TENDER_LOG_FORMAT: 'pretty',
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a-test',
    }),
  );
  // A database that takes its time is told as one that is away.
  const ready = await untilTrue(async () => {
    const answer = await fetch(`${gateway.url}/readyz`);
    return answer.status === 200 && answer;
  });
  expect(await ready.text()).toBe('ok\n');
  const headers = { authorization: 'Bearer sk_test_of_nobody', 'content-type': 'application/json' };
  await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: '{"query":"{ viewer { __typename } }"}' });
  await until(() => /DEBUG {2}an operation ended {2}requestId=\S+ {2}traceId=/.test(gateway.stderr()));
  gateway.child.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0 });
  const sent = bodies.join('\n');
  expect(sent).toMatch(/^\/v1\/traces /);
  for (const told of ['SELECT api_key', '"service.name"', '"tender"', 'a-test']) {
    expect(sent).toContain(told);
  }
  // Nobody looks for what became of a probe.
  expect(sent).not.toContain('_prisma_migrations');
  expect(sent).not.toContain('sk_test_of_nobody');
});

import { createServer } from 'node:http';
import { grafserv } from 'grafserv/node';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

/**
 * PostGraphile 5 as its manual has it in production: no watching, no explaining, no GraphiQL, prepared statements, a pool
 * of the size of the gateway's. It answers whoever asks: no authentication, no limits.
 */
const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.BENCH_DATABASE_URL,
      poolConfig: { max: Number(process.env.BENCH_POOL_SIZE) },
      schemas: ['public'],
      pubsub: false,
    }),
  ],
  // Foreign keys of three columns whose index has the first two are relations, too.
  disablePlugins: ['PgIndexBehaviorsPlugin'],
  // Plain lists, which cost it less than connections.
  schema: { defaultBehavior: 'list -connection -insert -update -delete' },
  grafast: { explain: false },
  grafserv: { watch: false, graphiql: false, graphqlPath: '/graphql', websockets: false },
};

const server = createServer();
const instance = postgraphile(preset).createServ(grafserv);
await instance.addTo(server);
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${server.address().port}/graphql` });
});
process.once('disconnect', () => process.exit());

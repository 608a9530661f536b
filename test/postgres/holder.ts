/**
 * A process that holds a cluster, for tests to run beside others and to kill: it starts one on the
 * directory in its arguments, says on stdout how that went, and stops when its stdin ends. (On "exit" it ends without stopping anything.)
 */
import { startCluster } from '../../src/postgres/cluster.ts';

try {
  const cluster = await startCluster({
    directory: process.argv[2] ?? '',
    log: () => {},
    settings: { fsync: 'off' },
  });
  process.stdin.on('data', () => process.exit(7));
  process.stdin.once('end', () => void cluster.stop());
  console.log(JSON.stringify({ connection: cluster.connection }));
} catch (error) {
  const { name, message } = error as Error;
  console.log(JSON.stringify({ error: name, message }));
}

/**
 * Loaded into a replica before everything else, with --expose-gc: asked by a signal, it collects what is not in use, and tells
 * its parent how many bytes are.
 */
process.on('SIGUSR2', () => {
  if (globalThis.gc === undefined) throw new Error('a replica is started with --expose-gc');
  globalThis.gc();
  process.send?.(process.memoryUsage().heapUsed);
});

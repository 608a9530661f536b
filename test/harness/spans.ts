import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Tracer } from '../../src/telemetry.ts';
import { tracerTo } from '../../src/tracing.ts';
import { until } from './until.ts';

/** What a gateway's tracing tells, in memory. */
export class Spans {
  readonly #exporter = new InMemorySpanExporter();

  tracer(ratio = 1): Tracer {
    const processor = new SimpleSpanProcessor({ exporter: this.#exporter });
    return tracerTo(processor, { ratio, serviceName: 'a test', commit: 'abc' });
  }

  get all(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  clear(): void {
    this.#exporter.reset();
  }

  /** The spans of a trace whose root has ended: the root, and the others in the order in which they began. */
  async trace(isRoot: (span: ReadableSpan) => boolean): Promise<ReadableSpan[]> {
    const root = await until(() => this.all.find(isRoot));
    const { traceId } = root.spanContext();
    const others = this.all
      .filter((span) => span !== root && span.spanContext().traceId === traceId)
      .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]);
    return [root, ...others];
  }
}

export function named(name: string): (span: ReadableSpan) => boolean {
  return (span) => span.name === name;
}

/** The names of the spans that one contains, in the order in which they began. */
export function within(trace: readonly ReadableSpan[], name: string): string[] {
  const parent = trace.find(named(name))?.spanContext().spanId;
  return trace.filter((span) => span.parentSpanContext?.spanId === parent).map((span) => span.name);
}

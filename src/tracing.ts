import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Facts } from './facts.ts';
import type { OpenSpan, SpanKind as Kind, Tracer } from './telemetry.ts';

/**
 * Tracing by OpenTelemetry. Only main.ts loads this file, and only where tracing is switched on: its libraries cost a start
 * that does not want them nothing.
 */

export interface TracingOptions {
  /** Where spans are sent: a collector's base address, below which is /v1/traces. */
  readonly endpoint: string;
  /** Which part of the traces that begin here is kept, from 0 to 1. One that a caller began is kept if the caller's is. */
  readonly ratio: number;
  readonly serviceName: string;
  /** Which build this is. */
  readonly commit: string;
  /** Told when spans cannot be sent any more, and not again before they could be. */
  readonly onError: (error: Error) => void;
}

/** Traces that are sent to a collector. Spans that it does not take in time are dropped: it never slows a payment. */
export function createTracer(options: TracingOptions): Tracer {
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` });
  return tracerTo(new BatchSpanProcessor({ exporter: telling(exporter, options.onError) }), options);
}

/** Traces that are given to a processor of spans. */
export function tracerTo(
  processor: SpanProcessor,
  { ratio, serviceName, commit }: Pick<TracingOptions, 'ratio' | 'serviceName' | 'commit'>,
): Tracer {
  const resource = defaultResource()
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }))
    .merge(resourceFromAttributes({ 'service.name': serviceName, 'service.version': commit }));
  const provider = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('tender', commit);
  return {
    start: (name, kind, facts, parent) =>
      openSpan(tracer.startSpan(name, { kind: KINDS[kind], attributes: attributesOf(facts) }, contextOf(parent))),
    stop: () => provider.shutdown(),
  };
}

const KINDS: Readonly<Record<Kind, SpanKind>> = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
};

const contexts = new WeakMap<OpenSpan, SpanContext>();

function openSpan(span: Span): OpenSpan {
  const context = span.spanContext();
  const { traceId, spanId, traceFlags } = context;
  const open: OpenSpan = {
    traceId,
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    rename: (name) => void span.updateName(name),
    note: (facts) => void span.setAttributes(attributesOf(facts)),
    end(error) {
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', error);
      span.end();
    },
  };
  contexts.set(open, context);
  return open;
}

function contextOf(parent: OpenSpan | string | undefined): Context {
  // What is no such header begins a trace of its own.
  const context =
    typeof parent === 'string' ? { ...parseTraceParent(parent), isRemote: true } : parent && contexts.get(parent);
  return context?.traceId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context as SpanContext);
}

/** Under OpenTelemetry's own names where it has some, and the gateway's where it has none. */
const NAMES: Readonly<Partial<Record<keyof Facts, string>>> = {
  query: 'db.query.text',
  operation: 'graphql.operation.type',
  error: 'error.type',
};

function attributesOf(facts: Facts): Attributes {
  const attributes: Attributes = {};
  for (const [key, value] of Object.entries(facts) as [keyof Facts, Facts[keyof Facts]][]) {
    if (key === 'query') attributes['db.system.name'] = 'postgresql';
    if (value != null) attributes[NAMES[key] ?? `tender.${key}`] = value;
  }
  return attributes;
}

/** The same exporter, which tells when it begins to fail. */
function telling(exporter: SpanExporter, onError: (error: Error) => void): SpanExporter {
  let isFailing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code === ExportResultCode.FAILED;
        if (failed && !isFailing) onError(result.error ?? new Error('spans could not be sent'));
        isFailing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

-- CreateEnum
CREATE TYPE "webhook_endpoint_status" AS ENUM ('ENABLED', 'DISABLED', 'DELETED');

-- CreateEnum
CREATE TYPE "webhook_disabled_reason" AS ENUM ('MERCHANT', 'GONE');

-- CreateEnum
CREATE TYPE "webhook_delivery_status" AS ENUM ('PENDING', 'SUCCEEDED', 'FAILED');

-- CreateEnum
CREATE TYPE "webhook_failure" AS ENUM ('EXHAUSTED', 'ENDPOINT_GONE', 'ENDPOINT_DISABLED', 'ENDPOINT_DELETED');

-- CreateEnum
CREATE TYPE "webhook_error" AS ENUM ('STATUS', 'TIMEOUT', 'CONNECTION', 'TLS', 'NAME_NOT_RESOLVED', 'ADDRESS_REFUSED', 'INTERRUPTED');

-- CreateTable
CREATE TABLE "webhook_endpoint" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "event_types" "payment_event_type"[] DEFAULT ARRAY[]::"payment_event_type"[],
    "status" "webhook_endpoint_status" NOT NULL DEFAULT 'ENABLED',
    "disabled_reason" "webhook_disabled_reason",
    "secret_version" SMALLINT NOT NULL DEFAULT 1,
    "previous_secret_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "webhook_endpoint_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "webhook_delivery" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "endpoint_id" UUID NOT NULL,
    "event_id" UUID,
    "payment_id" UUID,
    "status" "webhook_delivery_status" NOT NULL DEFAULT 'PENDING',
    "failure" "webhook_failure",
    "attempt_count" SMALLINT NOT NULL DEFAULT 0,
    "attempts_left" SMALLINT NOT NULL,
    "next_attempt_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_delivery_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "webhook_attempt" (
    "environment_id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "number" SMALLINT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "duration_ms" INTEGER NOT NULL,
    "response_status" SMALLINT,
    "response_body" TEXT,
    "error" "webhook_error",

    CONSTRAINT "webhook_attempt_pkey" PRIMARY KEY ("environment_id","delivery_id","number")
);

-- CreateIndex
CREATE INDEX "webhook_delivery_environment_id_endpoint_id_id_idx" ON "webhook_delivery"("environment_id", "endpoint_id", "id");

-- CreateIndex
CREATE INDEX "webhook_delivery_environment_id_payment_id_id_idx" ON "webhook_delivery"("environment_id", "payment_id", "id");

-- CreateIndex
CREATE INDEX "webhook_delivery_completed_at_idx" ON "webhook_delivery"("completed_at");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_delivery_environment_id_endpoint_id_event_id_key" ON "webhook_delivery"("environment_id", "endpoint_id", "event_id");

-- AddForeignKey
ALTER TABLE "webhook_endpoint" ADD CONSTRAINT "webhook_endpoint_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_environment_id_endpoint_id_fkey" FOREIGN KEY ("environment_id", "endpoint_id") REFERENCES "webhook_endpoint"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_environment_id_event_id_fkey" FOREIGN KEY ("environment_id", "event_id") REFERENCES "payment_event"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "webhook_attempt" ADD CONSTRAINT "webhook_attempt_environment_id_delivery_id_fkey" FOREIGN KEY ("environment_id", "delivery_id") REFERENCES "webhook_delivery"("environment_id", "id") ON DELETE CASCADE ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand.

ALTER TABLE "webhook_endpoint"
  ADD CONSTRAINT "webhook_endpoint_disabled_with_reason" CHECK ((status = 'DISABLED') = (disabled_reason IS NOT NULL)),
  ADD CONSTRAINT "webhook_endpoint_url_within_limit" CHECK (length(url) <= 2048);

ALTER TABLE "webhook_delivery"
  ADD CONSTRAINT "webhook_delivery_due_while_pending" CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL)),
  ADD CONSTRAINT "webhook_delivery_completed_when_over" CHECK ((status = 'PENDING') = (completed_at IS NULL)),
  ADD CONSTRAINT "webhook_delivery_failed_with_reason" CHECK ((status = 'FAILED') = (failure IS NOT NULL)),
  ADD CONSTRAINT "webhook_delivery_event_of_payment" CHECK ((event_id IS NULL) = (payment_id IS NULL)),
  ADD CONSTRAINT "webhook_delivery_attempts_not_negative" CHECK (least(attempt_count, attempts_left) >= 0);

ALTER TABLE "webhook_attempt"
  ADD CONSTRAINT "webhook_attempt_response_within_limit" CHECK (length(response_body) <= 1024);

-- Who is told of an event, looked up in the statement that writes it.
CREATE INDEX "webhook_endpoint_enabled" ON "webhook_endpoint" (environment_id) WHERE status = 'ENABLED';
-- What is due, by endpoint: a long queue of one is not read for the others.
CREATE INDEX "webhook_delivery_due" ON "webhook_delivery" (environment_id, endpoint_id, next_attempt_at)
  WHERE next_attempt_at IS NOT NULL;

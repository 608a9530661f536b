-- CreateEnum
CREATE TYPE "reconciliation_status" AS ENUM ('WAITING', 'RUNNING', 'COMPLETED', 'FAILED');

-- CreateEnum
CREATE TYPE "difference_kind" AS ENUM ('MISSING_HERE', 'MISSING_THERE', 'OTHER_AMOUNT', 'OTHER_CURRENCY', 'OTHER_STATE');

-- CreateEnum
CREATE TYPE "statement_kind" AS ENUM ('CHARGE', 'REFUND');

-- CreateEnum
CREATE TYPE "statement_state" AS ENUM ('AUTHORIZED', 'SUCCEEDED', 'PENDING', 'FAILED', 'CANCELED', 'UNKNOWN');

-- CreateTable
CREATE TABLE "reconciliation" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "processor" TEXT NOT NULL,
    "processor_account_id" UUID,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "until_at" TIMESTAMPTZ(3) NOT NULL,
    "daily" BOOLEAN NOT NULL,
    "status" "reconciliation_status" NOT NULL DEFAULT 'WAITING',
    "tries" SMALLINT NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "agreeing" INTEGER NOT NULL DEFAULT 0,
    "differing" INTEGER NOT NULL DEFAULT 0,
    "under_way" INTEGER NOT NULL DEFAULT 0,
    "strangers" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "reconciliation_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "reconciliation_difference" (
    "environment_id" UUID NOT NULL,
    "reconciliation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" "difference_kind" NOT NULL,
    "of" "statement_kind" NOT NULL,
    "payment_id" UUID,
    "operation_id" UUID,
    "processor_reference" TEXT,
    "our_amount" BIGINT,
    "our_currency" CHAR(3),
    "our_state" "statement_state",
    "their_amount" BIGINT,
    "their_currency" CHAR(3),
    "their_state" "statement_state",
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "reconciliation_difference_pkey" PRIMARY KEY ("environment_id","reconciliation_id","position")
);

-- CreateIndex
CREATE INDEX "sandbox_charge_merchant_created_at_id_idx" ON "sandbox_charge"("merchant", "created_at", "id");

-- CreateIndex
CREATE INDEX "sandbox_movement_merchant_created_at_id_idx" ON "sandbox_movement"("merchant", "created_at", "id");

-- AddForeignKey
ALTER TABLE "reconciliation" ADD CONSTRAINT "reconciliation_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "reconciliation" ADD CONSTRAINT "reconciliation_environment_id_processor_account_id_fkey" FOREIGN KEY ("environment_id", "processor_account_id") REFERENCES "processor_account"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "reconciliation_difference" ADD CONSTRAINT "reconciliation_difference_environment_id_reconciliation_id_fkey" FOREIGN KEY ("environment_id", "reconciliation_id") REFERENCES "reconciliation"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "reconciliation_difference" ADD CONSTRAINT "reconciliation_difference_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "reconciliation_difference" ADD CONSTRAINT "reconciliation_difference_environment_id_operation_id_fkey" FOREIGN KEY ("environment_id", "operation_id") REFERENCES "operation"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand.

ALTER TABLE "reconciliation"
  ADD CONSTRAINT "reconciliation_of_account" CHECK ((processor = 'sandbox') = (processor_account_id IS NULL)),
  ADD CONSTRAINT "reconciliation_of_some_time" CHECK (from_at < until_at),
  ADD CONSTRAINT "reconciliation_counts_not_negative"
    CHECK (least(tries, agreeing, differing, under_way, strangers) >= 0),
  ADD CONSTRAINT "reconciliation_due_while_open" CHECK (
    CASE status WHEN 'COMPLETED' THEN due_at IS NULL WHEN 'FAILED' THEN true ELSE due_at IS NOT NULL END),
  ADD CONSTRAINT "reconciliation_finished_when_over"
    CHECK ((status IN ('COMPLETED', 'FAILED')) = (finished_at IS NOT NULL)),
  ADD CONSTRAINT "reconciliation_started_before_over" CHECK (status = 'WAITING' OR started_at IS NOT NULL);

ALTER TABLE "reconciliation_difference"
  ADD CONSTRAINT "reconciliation_difference_our_side_whole" CHECK (
    num_nulls(our_amount, our_currency, our_state) IN (0, 3)
    AND (our_amount IS NULL OR operation_id IS NOT NULL)),
  ADD CONSTRAINT "reconciliation_difference_their_side_whole"
    CHECK (num_nulls(their_amount, their_currency, their_state) IN (0, 3)),
  ADD CONSTRAINT "reconciliation_difference_operation_of_payment"
    CHECK ((operation_id IS NULL) = (payment_id IS NULL)),
  ADD CONSTRAINT "reconciliation_difference_of_sides" CHECK (
    CASE kind WHEN 'MISSING_HERE' THEN our_amount IS NULL AND their_amount IS NOT NULL
              WHEN 'MISSING_THERE' THEN our_amount IS NOT NULL AND their_amount IS NULL
              ELSE our_amount IS NOT NULL AND their_amount IS NOT NULL END);

-- A day is reconciled once by itself, whichever process comes first. The sandbox has no account.
CREATE UNIQUE INDEX "reconciliation_daily"
  ON "reconciliation" (environment_id, processor_account_id, from_at) NULLS NOT DISTINCT WHERE daily;
CREATE INDEX "reconciliation_due" ON "reconciliation" (due_at) WHERE due_at IS NOT NULL;
-- What was asked of a processor in a stretch of time, in its order.
CREATE INDEX "operation_asked" ON "operation" (environment_id, processor_account_id, call_deadline, id)
  WHERE kind IN ('CHARGE', 'REFUND', 'RETURN');

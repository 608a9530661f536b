-- CreateEnum
CREATE TYPE "mode" AS ENUM ('TEST', 'LIVE');

-- CreateEnum
CREATE TYPE "payment_status" AS ENUM ('CREATED', 'SCHEDULED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'RETRY_SCHEDULED', 'FAILED', 'CANCELED', 'EXPIRED');

-- CreateEnum
CREATE TYPE "payment_refund_status" AS ENUM ('NONE', 'PENDING', 'PARTIALLY_REFUNDED', 'REFUNDED', 'FAILED');

-- CreateEnum
CREATE TYPE "attempt_status" AS ENUM ('DISPATCHED', 'PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELED', 'EXPIRED', 'UNKNOWN');

-- CreateEnum
CREATE TYPE "attempt_kind" AS ENUM ('INITIAL', 'RESUBMISSION', 'SCHEDULED_RETRY');

-- CreateEnum
CREATE TYPE "movement_status" AS ENUM ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED');

-- CreateEnum
CREATE TYPE "operation_kind" AS ENUM ('CHARGE', 'CAPTURE', 'VOID', 'REFUND');

-- CreateEnum
CREATE TYPE "operation_status" AS ENUM ('DISPATCHED', 'PENDING', 'UNKNOWN', 'RAISED', 'COMPLETED');

-- CreateEnum
CREATE TYPE "capture_method" AS ENUM ('AUTOMATIC', 'MANUAL');

-- CreateEnum
CREATE TYPE "initiator" AS ENUM ('CUSTOMER', 'MERCHANT');

-- CreateEnum
CREATE TYPE "destination_type" AS ENUM ('INVOICE', 'ORDER', 'SUBSCRIPTION', 'PURCHASE');

-- CreateEnum
CREATE TYPE "payment_method_type" AS ENUM ('CARD');

-- CreateEnum
CREATE TYPE "card_brand" AS ENUM ('VISA', 'MASTERCARD', 'AMERICAN_EXPRESS', 'DISCOVER', 'DINERS_CLUB', 'JCB', 'UNIONPAY', 'MAESTRO', 'UNKNOWN');

-- CreateEnum
CREATE TYPE "payment_event_type" AS ENUM ('PAYMENT_CREATED', 'PAYMENT_SCHEDULED', 'PAYMENT_PROCESSING', 'PAYMENT_REQUIRES_ACTION', 'PAYMENT_AUTHORIZED', 'PAYMENT_CAPTURED', 'PAYMENT_SUCCEEDED', 'PAYMENT_RETRY_SCHEDULED', 'PAYMENT_FAILED', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED', 'PAYMENT_CANCEL_REQUESTED', 'PAYMENT_CANCEL_REFUSED', 'CAPTURE_PENDING', 'CAPTURE_SUCCEEDED', 'CAPTURE_FAILED', 'REFUND_PENDING', 'REFUND_SUCCEEDED', 'REFUND_FAILED');

-- CreateTable
CREATE TABLE "account" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "environment" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "mode" "mode" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "environment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "hint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "customer" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "email" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "phone" TEXT,
    "address_line1" TEXT,
    "address_line2" TEXT,
    "city" TEXT,
    "state" TEXT,
    "postal_code" TEXT,
    "country" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "customer_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "payment_method" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "type" "payment_method_type" NOT NULL DEFAULT 'CARD',
    "processor" TEXT NOT NULL,
    "processor_token" TEXT NOT NULL,
    "brand" "card_brand" NOT NULL,
    "last4" TEXT NOT NULL,
    "exp_month" SMALLINT NOT NULL,
    "exp_year" SMALLINT NOT NULL,
    "holder_name" TEXT,
    "country" TEXT,
    "fingerprint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "detached_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "payment_method_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "payment" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "payment_method_id" UUID,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" "payment_status" NOT NULL,
    "refund_status" "payment_refund_status" NOT NULL DEFAULT 'NONE',
    "capture_method" "capture_method" NOT NULL,
    "initiator" "initiator" NOT NULL,
    "off_session" BOOLEAN NOT NULL,
    "description" TEXT,
    "statement_descriptor" TEXT,
    "return_url" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "amount_authorized" BIGINT NOT NULL DEFAULT 0,
    "amount_capturing" BIGINT NOT NULL DEFAULT 0,
    "amount_captured" BIGINT NOT NULL DEFAULT 0,
    "amount_released" BIGINT NOT NULL DEFAULT 0,
    "amount_refunding" BIGINT NOT NULL DEFAULT 0,
    "amount_refunded" BIGINT NOT NULL DEFAULT 0,
    "attempt_count" SMALLINT NOT NULL DEFAULT 0,
    "current_attempt_id" UUID,
    "decline_code" TEXT,
    "decline_message" TEXT,
    "decline_retryable" BOOLEAN,
    "action_url" TEXT,
    "action_expires_at" TIMESTAMPTZ(3),
    "authorization_expires_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),
    "succeeded_at" TIMESTAMPTZ(3),
    "failed_at" TIMESTAMPTZ(3),
    "canceled_at" TIMESTAMPTZ(3),
    "refunded_at" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "last_order_xid" BIGINT NOT NULL DEFAULT 0,
    "last_epoch" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "payment_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "payment_destination" (
    "environment_id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "position" SMALLINT NOT NULL,
    "type" "destination_type" NOT NULL,
    "destination_id" TEXT NOT NULL,
    "number" TEXT,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "payment_destination_pkey" PRIMARY KEY ("environment_id","payment_id","position")
);

-- CreateTable
CREATE TABLE "attempt" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "number" SMALLINT NOT NULL,
    "kind" "attempt_kind" NOT NULL,
    "status" "attempt_status" NOT NULL,
    "payment_method_id" UUID NOT NULL,
    "processor" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount_authorized" BIGINT NOT NULL DEFAULT 0,
    "decline_code" TEXT,
    "decline_message" TEXT,
    "decline_retryable" BOOLEAN,
    "processor_transaction_id" TEXT,
    "network_transaction_id" TEXT,
    "latency_ms" INTEGER,
    "flag" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "capture" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" "movement_status" NOT NULL,
    "final" BOOLEAN NOT NULL,
    "amount_refund_held" BIGINT NOT NULL DEFAULT 0,
    "processor_reference" TEXT,
    "failure_code" TEXT,
    "failure_message" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "capture_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "refund" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" "movement_status" NOT NULL,
    "reason" TEXT,
    "processor_reference" TEXT,
    "failure_code" TEXT,
    "failure_message" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "refund_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "refund_allocation" (
    "environment_id" UUID NOT NULL,
    "refund_id" UUID NOT NULL,
    "capture_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "refund_allocation_pkey" PRIMARY KEY ("environment_id","refund_id","capture_id")
);

-- CreateTable
CREATE TABLE "operation" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" "operation_kind" NOT NULL,
    "status" "operation_status" NOT NULL,
    "payment_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "capture_id" UUID,
    "refund_id" UUID,
    "processor" TEXT NOT NULL,
    "processor_key" TEXT NOT NULL,
    "processor_reference" TEXT,
    "call_deadline" TIMESTAMPTZ(3) NOT NULL,
    "recover_at" TIMESTAMPTZ(3),
    "inquiries" SMALLINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,

    CONSTRAINT "operation_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "environment_id" UUID NOT NULL,
    "principal" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "fingerprint_version" SMALLINT NOT NULL,
    "fingerprint_key_id" TEXT NOT NULL,
    "resource_id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "operation_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("environment_id","principal","operation","key")
);

-- CreateTable
CREATE TABLE "payment_event" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "order_xid" BIGINT NOT NULL,
    "position" BIGSERIAL NOT NULL,
    "type" "payment_event_type" NOT NULL,
    "customer_id" UUID,
    "attempt_id" UUID,
    "capture_id" UUID,
    "refund_id" UUID,
    "status" "payment_status" NOT NULL,
    "refund_status" "payment_refund_status" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "amount_authorized" BIGINT NOT NULL,
    "amount_capturing" BIGINT NOT NULL,
    "amount_captured" BIGINT NOT NULL,
    "amount_released" BIGINT NOT NULL,
    "amount_refunding" BIGINT NOT NULL,
    "amount_refunded" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "payment_event_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "event_epoch" (
    "epoch" SERIAL NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "timeline" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_epoch_pkey" PRIMARY KEY ("epoch")
);

-- CreateTable
CREATE TABLE "sandbox_card" (
    "merchant" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "behavior" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sandbox_card_pkey" PRIMARY KEY ("merchant","token")
);

-- CreateTable
CREATE TABLE "sandbox_charge" (
    "merchant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "next_status" TEXT,
    "next_at" TIMESTAMPTZ(3),
    "notify" BOOLEAN NOT NULL DEFAULT false,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "capture_now" BOOLEAN NOT NULL,
    "amount_captured" BIGINT NOT NULL DEFAULT 0,
    "amount_released" BIGINT NOT NULL DEFAULT 0,
    "amount_refunded" BIGINT NOT NULL DEFAULT 0,
    "decline_code" TEXT,
    "network_transaction_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sandbox_charge_pkey" PRIMARY KEY ("merchant","id")
);

-- CreateTable
CREATE TABLE "sandbox_movement" (
    "merchant" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "next_status" TEXT,
    "next_at" TIMESTAMPTZ(3),
    "notify" BOOLEAN NOT NULL DEFAULT false,
    "amount" BIGINT NOT NULL,
    "final" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sandbox_movement_pkey" PRIMARY KEY ("merchant","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "environment_account_id_mode_key" ON "environment"("account_id", "mode");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- CreateIndex
CREATE INDEX "customer_environment_id_created_at_id_idx" ON "customer"("environment_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "customer_environment_id_email_idx" ON "customer"("environment_id", "email");

-- CreateIndex
CREATE INDEX "payment_method_environment_id_customer_id_id_idx" ON "payment_method"("environment_id", "customer_id", "id");

-- CreateIndex
CREATE INDEX "payment_environment_id_created_at_id_idx" ON "payment"("environment_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "payment_environment_id_customer_id_created_at_id_idx" ON "payment"("environment_id", "customer_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "payment_environment_id_payment_method_id_created_at_id_idx" ON "payment"("environment_id", "payment_method_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "payment_destination_environment_id_type_destination_id_idx" ON "payment_destination"("environment_id", "type", "destination_id");

-- CreateIndex
CREATE INDEX "attempt_environment_id_payment_method_id_created_at_id_idx" ON "attempt"("environment_id", "payment_method_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "attempt_environment_id_payment_id_number_key" ON "attempt"("environment_id", "payment_id", "number");

-- CreateIndex
CREATE INDEX "capture_environment_id_payment_id_id_idx" ON "capture"("environment_id", "payment_id", "id");

-- CreateIndex
CREATE INDEX "capture_environment_id_attempt_id_idx" ON "capture"("environment_id", "attempt_id");

-- CreateIndex
CREATE INDEX "refund_environment_id_payment_id_id_idx" ON "refund"("environment_id", "payment_id", "id");

-- CreateIndex
CREATE INDEX "refund_environment_id_created_at_id_idx" ON "refund"("environment_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "refund_environment_id_attempt_id_idx" ON "refund"("environment_id", "attempt_id");

-- CreateIndex
CREATE INDEX "refund_allocation_environment_id_capture_id_idx" ON "refund_allocation"("environment_id", "capture_id");

-- CreateIndex
CREATE INDEX "operation_environment_id_payment_id_idx" ON "operation"("environment_id", "payment_id");

-- CreateIndex
CREATE INDEX "operation_environment_id_attempt_id_idx" ON "operation"("environment_id", "attempt_id");

-- CreateIndex
CREATE UNIQUE INDEX "operation_environment_id_processor_processor_key_key" ON "operation"("environment_id", "processor", "processor_key");

-- CreateIndex
CREATE INDEX "payment_event_epoch_order_xid_position_idx" ON "payment_event"("epoch", "order_xid", "position");

-- CreateIndex
CREATE UNIQUE INDEX "payment_event_environment_id_payment_id_sequence_key" ON "payment_event"("environment_id", "payment_id", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "event_epoch_system_identifier_timeline_key" ON "event_epoch"("system_identifier", "timeline");

-- CreateIndex
CREATE UNIQUE INDEX "sandbox_charge_merchant_key_key" ON "sandbox_charge"("merchant", "key");

-- CreateIndex
CREATE INDEX "sandbox_movement_merchant_charge_id_idx" ON "sandbox_movement"("merchant", "charge_id");

-- CreateIndex
CREATE UNIQUE INDEX "sandbox_movement_merchant_key_key" ON "sandbox_movement"("merchant", "key");

-- AddForeignKey
ALTER TABLE "environment" ADD CONSTRAINT "environment_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_method" ADD CONSTRAINT "payment_method_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_method" ADD CONSTRAINT "payment_method_environment_id_customer_id_fkey" FOREIGN KEY ("environment_id", "customer_id") REFERENCES "customer"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_environment_id_customer_id_fkey" FOREIGN KEY ("environment_id", "customer_id") REFERENCES "customer"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_environment_id_payment_method_id_fkey" FOREIGN KEY ("environment_id", "payment_method_id") REFERENCES "payment_method"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_destination" ADD CONSTRAINT "payment_destination_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_environment_id_payment_method_id_fkey" FOREIGN KEY ("environment_id", "payment_method_id") REFERENCES "payment_method"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "capture" ADD CONSTRAINT "capture_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "capture" ADD CONSTRAINT "capture_environment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "attempt_id") REFERENCES "attempt"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_environment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "attempt_id") REFERENCES "attempt"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refund_allocation" ADD CONSTRAINT "refund_allocation_environment_id_refund_id_fkey" FOREIGN KEY ("environment_id", "refund_id") REFERENCES "refund"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refund_allocation" ADD CONSTRAINT "refund_allocation_environment_id_capture_id_fkey" FOREIGN KEY ("environment_id", "capture_id") REFERENCES "capture"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "attempt_id") REFERENCES "attempt"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_capture_id_fkey" FOREIGN KEY ("environment_id", "capture_id") REFERENCES "capture"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_refund_id_fkey" FOREIGN KEY ("environment_id", "refund_id") REFERENCES "refund"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_event" ADD CONSTRAINT "payment_event_environment_id_payment_id_fkey" FOREIGN KEY ("environment_id", "payment_id") REFERENCES "payment"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_event" ADD CONSTRAINT "payment_event_environment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "attempt_id") REFERENCES "attempt"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_event" ADD CONSTRAINT "payment_event_environment_id_capture_id_fkey" FOREIGN KEY ("environment_id", "capture_id") REFERENCES "capture"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_event" ADD CONSTRAINT "payment_event_environment_id_refund_id_fkey" FOREIGN KEY ("environment_id", "refund_id") REFERENCES "refund"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "sandbox_movement" ADD CONSTRAINT "sandbox_movement_merchant_charge_id_fkey" FOREIGN KEY ("merchant", "charge_id") REFERENCES "sandbox_charge"("merchant", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand. test/store/constraints.test.ts goes around the code and is refused.

ALTER TABLE "payment"
  ADD CONSTRAINT "payment_amount_positive" CHECK (amount > 0),
  ADD CONSTRAINT "payment_amounts_not_negative" CHECK (
    least(amount_authorized, amount_capturing, amount_captured, amount_released, amount_refunding, amount_refunded) >= 0
  ),
  ADD CONSTRAINT "payment_authorized_within_amount" CHECK (amount_authorized <= amount),
  ADD CONSTRAINT "payment_captured_within_authorized" CHECK (
    amount_captured + amount_capturing + amount_released <= amount_authorized
  ),
  ADD CONSTRAINT "payment_refunded_within_captured" CHECK (amount_refunded + amount_refunding <= amount_captured);

ALTER TABLE "payment_destination" ADD CONSTRAINT "payment_destination_amount_positive" CHECK (amount > 0);
ALTER TABLE "attempt"
  ADD CONSTRAINT "attempt_amount_positive" CHECK (amount > 0),
  ADD CONSTRAINT "attempt_authorized_within_amount" CHECK (amount_authorized BETWEEN 0 AND amount);
ALTER TABLE "refund" ADD CONSTRAINT "refund_amount_positive" CHECK (amount > 0);
ALTER TABLE "refund_allocation" ADD CONSTRAINT "refund_allocation_amount_positive" CHECK (amount > 0);
ALTER TABLE "capture"
  ADD CONSTRAINT "capture_amount_positive" CHECK (amount > 0),
  ADD CONSTRAINT "capture_refunds_within_amount" CHECK (amount_refund_held BETWEEN 0 AND amount);

-- One attempt of a payment at a time can be under way or hold money.
CREATE UNIQUE INDEX "attempt_one_live" ON "attempt" (environment_id, payment_id)
  WHERE status IN ('DISPATCHED', 'PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'UNKNOWN');

-- The queues: what is due is found by its time, and a row that is not waiting costs nothing.
CREATE INDEX "operation_due" ON "operation" (recover_at) WHERE recover_at IS NOT NULL;
CREATE INDEX "payment_due" ON "payment" (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX "sandbox_charge_due" ON "sandbox_charge" (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX "sandbox_charge_notify" ON "sandbox_charge" (merchant, key) WHERE notify;
CREATE INDEX "sandbox_movement_due" ON "sandbox_movement" (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX "sandbox_movement_notify" ON "sandbox_movement" (merchant, key) WHERE notify;

-- capture.amount_refund_held follows its refunds, whoever writes them, so that its CHECK holds whatever the code does.
CREATE FUNCTION refund_is_held(status "movement_status") RETURNS boolean
  LANGUAGE sql IMMUTABLE RETURN status IN ('PENDING', 'SUCCEEDED');

CREATE FUNCTION hold_refund_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE capture SET amount_refund_held = amount_refund_held + NEW.amount
  FROM refund
  WHERE refund.environment_id = NEW.environment_id AND refund.id = NEW.refund_id AND refund_is_held(refund.status)
    AND capture.environment_id = NEW.environment_id AND capture.id = NEW.capture_id;
  RETURN NULL;
END $$;

CREATE TRIGGER "refund_allocation_held" AFTER INSERT ON "refund_allocation"
  FOR EACH ROW EXECUTE FUNCTION hold_refund_allocation();

CREATE FUNCTION hold_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE capture
  SET amount_refund_held = amount_refund_held
    + CASE WHEN refund_is_held(NEW.status) THEN allocation.amount ELSE -allocation.amount END
  FROM refund_allocation AS allocation
  WHERE allocation.environment_id = NEW.environment_id AND allocation.refund_id = NEW.id
    AND capture.environment_id = allocation.environment_id AND capture.id = allocation.capture_id;
  RETURN NULL;
END $$;

CREATE TRIGGER "refund_held" AFTER UPDATE OF status ON "refund"
  FOR EACH ROW WHEN (refund_is_held(OLD.status) <> refund_is_held(NEW.status)) EXECUTE FUNCTION hold_refund();

-- An allocation says what was given back; it is history, and the trigger above counts on it.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER "refund_allocation_kept" BEFORE UPDATE OR DELETE ON "refund_allocation"
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER "payment_event_kept" BEFORE UPDATE OR DELETE ON "payment_event"
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER "refund_allocation_not_emptied" BEFORE TRUNCATE ON "refund_allocation"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER "payment_event_not_emptied" BEFORE TRUNCATE ON "payment_event"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

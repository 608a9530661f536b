-- AlterTable
ALTER TABLE "attempt" ADD COLUMN     "processor_account_id" UUID;

-- AlterTable
ALTER TABLE "operation" ADD COLUMN     "processor_account_id" UUID;

-- AlterTable
ALTER TABLE "payment_method" ADD COLUMN     "processor_account_id" UUID;

-- CreateTable
CREATE TABLE "processor_account" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "processor" TEXT NOT NULL,
    "credentials" BYTEA NOT NULL,
    "credentials_key_id" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "raw_cards" BOOLEAN NOT NULL DEFAULT false,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "processor_account_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateTable
CREATE TABLE "processor_notification" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "processor_account_id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "body" BYTEA NOT NULL,
    "about" TEXT[],
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "applied_at" TIMESTAMPTZ(3),
    "tries" SMALLINT NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3),

    CONSTRAINT "processor_notification_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "processor_account_environment_id_name_key" ON "processor_account"("environment_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "processor_notification_environment_id_processor_account_id__key" ON "processor_notification"("environment_id", "processor_account_id", "event_id");

-- AddForeignKey
ALTER TABLE "processor_account" ADD CONSTRAINT "processor_account_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "processor_notification" ADD CONSTRAINT "processor_notification_environment_id_processor_account_id_fkey" FOREIGN KEY ("environment_id", "processor_account_id") REFERENCES "processor_account"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "payment_method" ADD CONSTRAINT "payment_method_environment_id_processor_account_id_fkey" FOREIGN KEY ("environment_id", "processor_account_id") REFERENCES "processor_account"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_environment_id_processor_account_id_fkey" FOREIGN KEY ("environment_id", "processor_account_id") REFERENCES "processor_account"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_processor_account_id_fkey" FOREIGN KEY ("environment_id", "processor_account_id") REFERENCES "processor_account"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand.

-- The sandbox is built in and has no accounts; what another processor did, it did for one of its accounts.
ALTER TABLE "payment_method"
  ADD CONSTRAINT "payment_method_of_account" CHECK ((processor = 'sandbox') = (processor_account_id IS NULL));
ALTER TABLE "attempt"
  ADD CONSTRAINT "attempt_of_account" CHECK ((processor = 'sandbox') = (processor_account_id IS NULL));
ALTER TABLE "operation"
  ADD CONSTRAINT "operation_of_account" CHECK ((processor = 'sandbox') = (processor_account_id IS NULL));

ALTER TABLE "processor_notification"
  ADD CONSTRAINT "processor_notification_within_limit" CHECK (length(body) <= 262144);

-- What a notification is about. The sandbox names the idempotency key instead, and pays for no index.
CREATE INDEX "operation_reference" ON "operation" (environment_id, processor_account_id, processor_reference)
  WHERE processor_account_id IS NOT NULL AND processor_reference IS NOT NULL;
CREATE INDEX "processor_notification_due" ON "processor_notification" (next_at) WHERE next_at IS NOT NULL;
-- What is over, for its deletion.
CREATE INDEX "processor_notification_over" ON "processor_notification" (received_at) WHERE next_at IS NULL;

-- CreateEnum
CREATE TYPE "key_scope" AS ENUM ('READ', 'WRITE', 'REFUND', 'ADMIN');

-- CreateEnum
CREATE TYPE "audit_act" AS ENUM ('ACCOUNT_OPENED', 'API_KEY_CREATED', 'API_KEY_ROLLED', 'API_KEY_REVOKED', 'CLIENT_TOKENS_REVOKED', 'CREDENTIALS_RESEALED', 'OPERATION_RESOLVED', 'PROCESSOR_ACCOUNT_CREATED', 'PROCESSOR_ACCOUNT_TESTED', 'PROCESSOR_ACCOUNT_UPDATED', 'RECONCILIATION_WANTED', 'RETRY_SCHEDULE_SET', 'ROUTING_SET', 'WEBHOOK_ENDPOINT_CREATED', 'WEBHOOK_ENDPOINT_DELETED', 'WEBHOOK_ENDPOINT_TESTED', 'WEBHOOK_ENDPOINT_UPDATED', 'WEBHOOK_RESENT', 'WEBHOOK_SECRET_ROTATED');

-- AlterTable
ALTER TABLE "api_key" ADD COLUMN     "created_by" TEXT,
ADD COLUMN     "expires_at" TIMESTAMPTZ(3),
ADD COLUMN     "last_used_at" TIMESTAMPTZ(3),
ADD COLUMN     "replaces_id" UUID,
ADD COLUMN     "scopes" "key_scope"[];

-- CreateTable
CREATE TABLE "audit_entry" (
    "environment_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "position" BIGSERIAL NOT NULL,
    "act" "audit_act" NOT NULL,
    "actor" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,
    "request_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("environment_id","id")
);

-- CreateIndex
CREATE INDEX "audit_entry_environment_id_actor_position_idx" ON "audit_entry"("environment_id", "actor", "position");

-- CreateIndex
CREATE INDEX "audit_entry_environment_id_act_position_idx" ON "audit_entry"("environment_id", "act", "position");

-- CreateIndex
CREATE INDEX "audit_entry_environment_id_subject_position_idx" ON "audit_entry"("environment_id", "subject", "position");

-- CreateIndex
CREATE UNIQUE INDEX "audit_entry_environment_id_position_key" ON "audit_entry"("environment_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_environment_id_replaces_id_key" ON "api_key"("environment_id", "replaces_id");

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_environment_id_replaces_id_fkey" FOREIGN KEY ("environment_id", "replaces_id") REFERENCES "api_key"("environment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "audit_entry" ADD CONSTRAINT "audit_entry_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand.

-- The keys that there are could do everything until now.
UPDATE "api_key" SET "scopes" = '{READ,WRITE,REFUND,ADMIN}';

ALTER TABLE "api_key"
  ALTER COLUMN "scopes" SET NOT NULL,
  ADD CONSTRAINT "api_key_reads" CHECK ('READ' = ANY (scopes)),
  ADD CONSTRAINT "api_key_replaces_another" CHECK (replaces_id <> id),
  ADD CONSTRAINT "api_key_hash_is_sha256" CHECK (octet_length(hash) = 32);

CREATE TRIGGER "audit_entry_kept" BEFORE UPDATE OR DELETE ON "audit_entry"
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER "audit_entry_not_emptied" BEFORE TRUNCATE ON "audit_entry"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

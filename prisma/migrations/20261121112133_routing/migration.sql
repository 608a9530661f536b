-- CreateEnum
CREATE TYPE "routing_reason" AS ENUM ('RULE', 'DEFAULT', 'PAYMENT_METHOD', 'FAILOVER');

-- AlterEnum
ALTER TYPE "attempt_kind" ADD VALUE 'FAILOVER';

-- AlterTable
ALTER TABLE "attempt" ADD COLUMN     "routing" "routing_reason" NOT NULL DEFAULT 'PAYMENT_METHOD',
ADD COLUMN     "routing_rule" TEXT,
ADD COLUMN     "routing_version" INTEGER;

-- CreateTable
CREATE TABLE "routing_rules" (
    "environment_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "rules" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "routing_rules_pkey" PRIMARY KEY ("environment_id","version")
);

-- AddForeignKey
ALTER TABLE "routing_rules" ADD CONSTRAINT "routing_rules_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environment"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What Prisma cannot say, from here on by hand.

ALTER TABLE "routing_rules"
  ADD CONSTRAINT "routing_rules_version_positive" CHECK (version > 0);
ALTER TABLE "attempt"
  ADD CONSTRAINT "attempt_rule_of_version" CHECK (routing_rule IS NULL OR routing_version IS NOT NULL),
  ADD CONSTRAINT "attempt_rule_when_routed" CHECK (routing <> 'RULE' OR routing_rule IS NOT NULL);

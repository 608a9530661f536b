-- AlterEnum
ALTER TYPE "webhook_disabled_reason" ADD VALUE 'FAILING';

-- AlterTable
ALTER TABLE "webhook_endpoint" ADD COLUMN     "failing_since" TIMESTAMPTZ(3);

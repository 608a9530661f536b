-- AlterTable
ALTER TABLE "payment" ADD COLUMN     "expiry_postponed_to" TIMESTAMPTZ(3);

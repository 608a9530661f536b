-- AlterEnum
ALTER TYPE "payment_event_type" ADD VALUE 'PAYMENT_SETTLED';

-- AlterTable
ALTER TABLE "capture" ADD COLUMN     "settled_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "sandbox_charge" ADD COLUMN     "settled_at" TIMESTAMPTZ(3),
ADD COLUMN     "settles_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "sandbox_movement" ADD COLUMN     "settled_at" TIMESTAMPTZ(3),
ADD COLUMN     "settles_at" TIMESTAMPTZ(3);

-- What Prisma cannot say, from here on by hand.

-- The sandbox settled nothing so far: what it had captured and not taken back is settled a day from now.
UPDATE "sandbox_charge" SET settles_at = now() + interval '24 hours' WHERE capture_now AND status = 'approved';
UPDATE "sandbox_movement" SET settles_at = now() + interval '24 hours' WHERE kind = 'capture' AND status = 'succeeded';

CREATE INDEX "sandbox_charge_settles" ON "sandbox_charge" (settles_at) WHERE settles_at IS NOT NULL;
CREATE INDEX "sandbox_movement_settles" ON "sandbox_movement" (settles_at) WHERE settles_at IS NOT NULL;

-- What took nothing, or may take more, was not paid out.
ALTER TABLE "capture" ADD CONSTRAINT "capture_settled_succeeded" CHECK (settled_at IS NULL OR status = 'SUCCEEDED');
ALTER TABLE "payment" ADD CONSTRAINT "payment_settled_succeeded" CHECK (
  settled_at IS NULL OR (status = 'SUCCEEDED' AND amount_captured > 0)
);

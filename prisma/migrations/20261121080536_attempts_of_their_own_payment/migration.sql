-- DropForeignKey
ALTER TABLE "operation" DROP CONSTRAINT "operation_environment_id_attempt_id_fkey";

-- DropForeignKey
ALTER TABLE "payment" DROP CONSTRAINT "payment_environment_id_current_attempt_id_fkey";

-- DropForeignKey
ALTER TABLE "refund" DROP CONSTRAINT "refund_environment_id_attempt_id_fkey";

-- CreateIndex
CREATE UNIQUE INDEX "attempt_environment_id_payment_id_id_key" ON "attempt"("environment_id", "payment_id", "id");

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_environment_id_id_current_attempt_id_fkey" FOREIGN KEY ("environment_id", "id", "current_attempt_id") REFERENCES "attempt"("environment_id", "payment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_environment_id_payment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "payment_id", "attempt_id") REFERENCES "attempt"("environment_id", "payment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_environment_id_payment_id_attempt_id_fkey" FOREIGN KEY ("environment_id", "payment_id", "attempt_id") REFERENCES "attempt"("environment_id", "payment_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

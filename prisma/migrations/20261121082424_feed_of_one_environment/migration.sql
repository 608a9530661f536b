-- CreateIndex
CREATE INDEX "payment_event_environment_id_epoch_order_xid_position_idx" ON "payment_event"("environment_id", "epoch", "order_xid", "position");

//! The messages of a write set, with a delivery for each consumer, as parts of its script.

use entity::outbox_delivery::DeliveryState;
use entity::value::Instant;
use sea_orm::Value;
use serde_json::json;

use super::Composer;
use crate::engine::write_set::OutboxMessage;
use crate::outbox::consumers;

impl Composer {
    pub(super) fn messages(&mut self, messages: &[OutboxMessage], now: Instant) {
        if messages.is_empty() {
            return;
        }
        let at = self.bind(&Value::from(now));
        let (mut rows, mut deliveries) = (Vec::new(), Vec::new());
        for message in messages {
            let payload = json!({ "audiences": message.audiences }).to_string();
            let id = self.bind(&Value::from(message.id.0));
            let kind = self.bind(&Value::from(message.kind));
            let subject = self.bind(&Value::from(message.subject));
            let payload = self.bind(&Value::from(payload));
            rows.push(format!("({id}, {kind}, {subject}, {payload}, {at})"));
            for consumer in consumers() {
                let state = DeliveryState::Queued;
                deliveries.push(format!("('{consumer}', {id}, '{state}', 0, {at})"));
            }
        }
        self.loose.push(format!(
            "INSERT INTO outbox (id, kind, subject, payload, created_at) VALUES {}",
            rows.join(", ")
        ));
        self.loose.push(format!(
            "INSERT INTO outbox_delivery (consumer, message_id, state, attempts, next_at) \
             VALUES {}",
            deliveries.join(", ")
        ));
    }
}

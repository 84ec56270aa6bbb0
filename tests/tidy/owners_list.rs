//! The owners of the tables, and who else may touch them.

/// An owner and its tables. Only files below `writer` write them; other files of the owner's
/// module, if it is larger, hand their rows to the writer.
pub struct Owner {
    pub writer: &'static str,
    pub tables: &'static [&'static str],
}

pub const OWNERS: &[Owner] = &[
    Owner {
        writer: "crates/platform/src/",
        tables: &[
            "audit_act",
            "feed",
            "feed_epoch",
            "feed_event",
            "heartbeat",
            "idempotency",
            "outage",
            "outbox",
            "outbox_delivery",
            "timer",
        ],
    },
    Owner { writer: "src/policy/", tables: &["policy_version"] },
    Owner {
        writer: "src/access/",
        tables: &[
            "otp",
            "otp_budget",
            "person",
            "session",
            "staff",
            "staff_invitation",
            "staff_past",
            "support_agent",
        ],
    },
    Owner { writer: "src/reputation/", tables: &["sanction", "strike"] },
    Owner { writer: "src/clients/", tables: &["car"] },
    Owner { writer: "src/statistics/", tables: &["event_count"] },
    Owner {
        writer: "src/partners/",
        tables: &[
            "bay",
            "bay_block",
            "calendar_feed",
            "occupancy",
            "opening",
            "organisation",
            "partner",
            "service",
            "service_price",
            "special_day",
        ],
    },
    Owner {
        writer: "src/ledger/",
        tables: &["checkpoint_account", "checkpoint_pending", "hold", "wallet"],
    },
    Owner { writer: "src/ledger/post/", tables: &["posting"] },
    Owner {
        writer: "src/bonus/",
        tables: &["bonus_account", "campaign", "campaign_claim", "code_try", "lot"],
    },
    Owner {
        writer: "src/billing/",
        tables: &[
            "inbound",
            "payable",
            "payment",
            "payout",
            "payout_terms",
            "penalty",
            "reservation",
            "stray_payment",
            "waiver",
        ],
    },
    Owner { writer: "src/orders/write.rs", tables: &["order", "order_position", "order_step"] },
    Owner { writer: "src/proof/", tables: &["proof_state"] },
    Owner { writer: "src/notifications/", tables: &["delivery", "feed_cursor"] },
    Owner { writer: "src/startup/reseal.rs", tables: &["data_step"] },
];

/// A file or folder that may touch tables of others, and why.
pub struct Permitted {
    pub path: &'static str,
    pub tables: &'static [&'static str],
    pub why: &'static str,
}

/// Every table.
pub const ALL: &[&str] = &["*"];

/// Writes of tables that another module owns.
pub const WRITES: &[Permitted] = &[
    Permitted {
        path: "src/reputation/sanction.rs",
        tables: &["partner"],
        why: "a block changes its branch's state in the same commit; partners stand above",
    },
    Permitted {
        path: "src/access/people/staff.rs",
        tables: &["partner"],
        why: "raises the branch's version, so that changes of its staff are in turn",
    },
    Permitted {
        path: "src/clients/profile.rs",
        tables: &["person"],
        why: "a client's profile is two columns of the person's row",
    },
    Permitted {
        path: "crates/platform/src/engine/sql/rows.rs",
        tables: &["occupancy"],
        why: "commits the runs of cells that commands take and free",
    },
];

/// Queries over tables that another module owns; a row loaded by its key is no query.
pub const READS: &[Permitted] = &[
    Permitted { path: "src/proof/", tables: ALL, why: "it proves what the owners wrote" },
    Permitted {
        path: "src/startup/reseal.rs",
        tables: ALL,
        why: "seals the columns of any table anew",
    },
    Permitted { path: "src/demo/books.rs", tables: ALL, why: "counts rows as the proof does" },
    Permitted { path: "src/support/rehearsal/", tables: ALL, why: "replays the whole history" },
    Permitted {
        path: "src/support/acts.rs",
        tables: &["audit_act"],
        why: "support's page of the audit log",
    },
    Permitted {
        path: "src/support/outages.rs",
        tables: &["order_step", "outage"],
        why: "the report names the orders that an outage touched",
    },
    Permitted {
        path: "src/backup/examine.rs",
        tables: &["order"],
        why: "a copy is proven readable from outside",
    },
    Permitted {
        path: "src/orders/whole.rs",
        tables: &["delivery", "penalty", "posting", "timer"],
        why: "support's page shows an order whole, in one snapshot",
    },
    Permitted {
        path: "src/orders/place/client_record.rs",
        tables: &["penalty", "sanction", "strike"],
        why: "one statement reads a client's record of one moment",
    },
    Permitted {
        path: "src/orders/end/close_for_block.rs",
        tables: &["timer"],
        why: "leaves out the orders whose timer is armed, in the same statement",
    },
    Permitted {
        path: "src/orders/end/cancel.rs",
        tables: &["delivery"],
        why: "the fee depends on what a device has acknowledged; notify stands above",
    },
    Permitted {
        path: "src/orders/booking/agenda.rs",
        tables: &["bay", "bay_block", "partner"],
        why: "the calendar shows visits beside bays and blocks, in one snapshot",
    },
    Permitted {
        path: "src/orders/booking/calendar.rs",
        tables: &["bay", "partner"],
        why: "the calendar shows visits beside bays and blocks, in one snapshot",
    },
    Permitted {
        path: "src/search/",
        tables: &["partner"],
        why: "the search joins branches with distance",
    },
    Permitted {
        path: "src/billing/holds/facts.rs",
        tables: &["order", "session"],
        why: "a velocity rule counts orders and devices; orders stand above",
    },
    Permitted {
        path: "src/billing/holds/funds.rs",
        tables: &["order_step"],
        why: "numbers a correction by the order's history; orders stand above",
    },
    Permitted {
        path: "src/billing/penalties/read.rs",
        tables: &["order", "posting"],
        why: "a penalty is shown under its order's policy, with its postings",
    },
    Permitted {
        path: "src/bonus/read.rs",
        tables: &["posting"],
        why: "a grant is shown with the postings of its lots",
    },
    Permitted {
        path: "src/ledger/read.rs",
        tables: &["bonus_account"],
        why: "who can take an order is wallets and bonus together; bonus stands above",
    },
    Permitted {
        path: "src/ledger/statement.rs",
        tables: &["lot"],
        why: "a statement's line names its lot; bonus stands above",
    },
    Permitted {
        path: "src/notifications/",
        tables: &["feed", "feed_event"],
        why: "an acknowledgement names an event of its reader's feed",
    },
    Permitted {
        path: "src/clients/cars.rs",
        tables: &["order"],
        why: "a car with an open order stays; orders stand above",
    },
    Permitted {
        path: "src/partners/",
        tables: &["order", "staff"],
        why: "an edit is compared with the visits it would touch; orders stand above",
    },
    Permitted {
        path: "src/access/",
        tables: &["partner"],
        why: "a right is at a branch, which is named with it; partners stand above",
    },
];

-- The baseline: the row writes of an average order command as one PL/pgSQL function, without any other work.
--
-- The upper bound for an engine with the same books on the same PostgreSQL: the idempotency key with its stored answer,
-- the order at its version, its step, its timer, an event in two feeds, and for one command in six a hold. It uses a
-- separate schema with tables and indexes like the engine's. Run with pgbench (scripts/bench):
--   psql -v clients=32 -v branches=24 -f scripts/floor.sql
--   pgbench -n -M prepared -c 32 -j 2 -T 20 -f - <<< 'SELECT floor.command(:client_id)'

\set ON_ERROR_STOP on
\if :{?clients}
\else
\set clients 32
\endif
\if :{?branches}
\else
\set branches 24
\endif

SET client_min_messages TO warning;
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
SET search_path TO floor;

CREATE SEQUENCE ids;

-- Ascending ids, as UUIDv7 are.
CREATE FUNCTION next_id() RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT lpad(to_hex(nextval('floor.ids')), 32, '0')::uuid $$;

CREATE TABLE idempotency (
    actor uuid NOT NULL, route text NOT NULL, key text NOT NULL,
    body_hash text NOT NULL, answer text NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (actor, route, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE "order" (
    id uuid PRIMARY KEY, code text NOT NULL, kind text NOT NULL, status text NOT NULL, reason text,
    version bigint NOT NULL, client_id uuid NOT NULL, client_name text, partner_id uuid NOT NULL, car_id uuid NOT NULL,
    car_class text NOT NULL, plate text NOT NULL, snapshot jsonb NOT NULL, agreed bigint NOT NULL, final_amount bigint,
    commission bigint NOT NULL, policy_version int NOT NULL, placed_at timestamptz NOT NULL, offer_deadline timestamptz,
    accepted_at timestamptz, arrival_deadline timestamptz, overdue_at timestamptz, decision_deadline timestamptz,
    extensions smallint NOT NULL, departed_at timestamptz, arrived_at timestamptz, arrival_by text,
    admit_alert_at timestamptz, admit_deadline timestamptz, frozen_until timestamptz, eta_at timestamptz,
    admitted_at timestamptz, admitted_from text, planned_end timestamptz, completed_at timestamptz,
    cancelled_at timestamptz, flagged boolean NOT NULL, undelivered boolean NOT NULL, updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX order_open_quick_car ON "order" (car_id)
    WHERE kind = 'quick' AND status IN ('requested', 'confirmed', 'on_the_way', 'active');
CREATE INDEX order_client ON "order" (client_id, id);
CREATE INDEX order_partner ON "order" (partner_id, id);
CREATE INDEX order_offers ON "order" (partner_id) WHERE status = 'requested';

CREATE TABLE order_step (
    order_id uuid NOT NULL, n bigint NOT NULL, at timestamptz NOT NULL, actor text NOT NULL, person_id uuid,
    session_id uuid, intent text NOT NULL, from_status text, to_status text NOT NULL, note jsonb NOT NULL,
    PRIMARY KEY (order_id, n)
);

CREATE TABLE timer (
    kind text NOT NULL, subject uuid NOT NULL, due_at timestamptz NOT NULL, generation bigint NOT NULL,
    attempts int NOT NULL, parked_at timestamptz,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX timer_due ON timer (due_at) WHERE parked_at IS NULL;

CREATE TABLE feed (audience text PRIMARY KEY, last_seq bigint NOT NULL CHECK (last_seq > 0));

CREATE TABLE feed_event (
    audience text NOT NULL, seq bigint NOT NULL, id uuid NOT NULL, kind text NOT NULL, at timestamptz NOT NULL,
    order_id uuid, session_id uuid, payload text NOT NULL,
    PRIMARY KEY (audience, seq)
);

CREATE TABLE wallet (
    id uuid PRIMARY KEY, kind text NOT NULL, posted bigint NOT NULL, held bigint NOT NULL CHECK (held >= 0), floor bigint
);

CREATE TABLE hold (
    id uuid PRIMARY KEY, order_id uuid NOT NULL, wallet_id uuid NOT NULL, amount bigint NOT NULL CHECK (amount >= 0),
    state text NOT NULL, at timestamptz NOT NULL, ended_at timestamptz, version bigint NOT NULL
);
CREATE UNIQUE INDEX hold_open ON hold (order_id) WHERE state = 'open';
CREATE INDEX hold_wallet ON hold (wallet_id) WHERE state = 'open';

-- Six open orders to each connection, as in the measurement; branches with a wallet each.
CREATE TABLE subscriber (subscriber int PRIMARY KEY, order_id uuid NOT NULL, client uuid NOT NULL, branch uuid NOT NULL);
INSERT INTO wallet SELECT next_id(), 'partner', 100000000, 0, NULL FROM generate_series(1, :branches);
INSERT INTO subscriber SELECT s, next_id(), next_id(), (SELECT id FROM wallet ORDER BY id OFFSET s % :branches LIMIT 1)
    FROM generate_series(0, :clients * 6 - 1) s;
INSERT INTO "order"
SELECT order_id, 'K7Q2-M', 'quick', 'confirmed', NULL, 1, client, repeat('n', 60), branch, client, 'sedan', repeat('p', 60),
       jsonb_build_object('partner_name', 'Kristal', 'partner_address', 'Nizami 203', 'zone', 'Asia/Baku', 'lines',
           jsonb_build_array(jsonb_build_object('id', client, 'code', 'wash.body', 'price', 800, 'minutes', 20)),
           'route_secs', 900, 'buffer_secs', 600, 'fee_bp', 1000, 'fee_cap', 200),
       800, NULL, 72, 1, now(), now(), NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, false, false, now()
FROM subscriber;

-- Appends an event to a feed under its next number.
CREATE FUNCTION tell(told text, about uuid, what text) RETURNS void LANGUAGE sql AS $$
    WITH counter AS (
        INSERT INTO floor.feed AS f VALUES (told, 1)
        ON CONFLICT (audience) DO UPDATE SET last_seq = f.last_seq + 1 RETURNING last_seq
    )
    INSERT INTO floor.feed_event
    SELECT told, last_seq, floor.next_id(), 'order.confirmed', now(), about, about, what FROM counter
$$;

CREATE FUNCTION command(connection int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    mine int := connection * 6 + floor(random() * 6)::int;
    s floor.subscriber;
    v bigint;
    payload text := repeat('{"order":{"id":"0190"}}', 39);
BEGIN
    SELECT * INTO s FROM floor.subscriber WHERE subscriber = mine;
    SELECT version INTO v FROM floor."order" WHERE id = s.order_id;
    INSERT INTO floor.idempotency VALUES (s.client, 'POST /v1/client/orders/{id}/depart', gen_random_uuid()::text,
        md5(payload), payload, now());
    UPDATE floor."order" SET status = CASE WHEN status = 'confirmed' THEN 'on_the_way' ELSE 'confirmed' END, departed_at = now(), eta_at = now(), updated_at = now(), version = v + 1
        WHERE id = s.order_id AND version = v;
    IF NOT FOUND THEN RAISE EXCEPTION 'contended'; END IF;
    INSERT INTO floor.order_step VALUES (s.order_id, v, now(), 'client', s.client, s.client, 'depart', 'confirmed',
        'on_the_way', '{"by": "position"}');
    INSERT INTO floor.timer AS t VALUES ('order.deadline', s.order_id, now() + interval '15 min', 1, 0, NULL)
        ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at, generation = t.generation + 1, attempts = 0;
    IF v % 6 = 0 THEN
        UPDATE floor.wallet SET held = held + 1 WHERE id = s.branch AND posted - held - 1 >= -500;
        INSERT INTO floor.hold VALUES (floor.next_id(), floor.next_id(), s.branch, 1, 'open', now(), NULL, 1);
    END IF;
    -- Every command locks the branch before the client, which prevents deadlocks.
    PERFORM floor.tell('branch:' || s.branch, s.order_id, payload);
    PERFORM floor.tell('client:' || s.client, s.order_id, payload);
    RETURN v;
END
$$;

ANALYZE;

//! The table tests of a payment's state transitions (BAL-5, PEN-7).

use PaymentState::{Created, Expired, Failed, Paid, Refunded, Refunding};
use entity::payment::{Driver, Purpose};
use entity::value::{PartnerId, PaymentId};
use uuid::Uuid;

use super::*;

const ALL: [PaymentState; 6] = [Created, Paid, Failed, Expired, Refunding, Refunded];

fn hour(n: i64) -> Instant {
    Instant::UNIX_EPOCH + TimeDelta::hours(n)
}

/// A payment of 100 qəpik, paid at hour 1 where it was paid.
fn row(state: PaymentState, to_return: i64, returned: i64) -> Model {
    let paid = matches!(state, Paid | Refunding | Refunded);
    Model {
        id: PaymentId(Uuid::nil()),
        purpose: Purpose::TopUp,
        partner_id: PartnerId(Uuid::nil()),
        client_id: None,
        penalty_id: None,
        amount: Money(100),
        driver: Driver::Epoint,
        state,
        provider_ref: None,
        redirect_url: None,
        gift_lot_id: None,
        to_return: Money(to_return),
        returned: Money(returned),
        asked: None,
        busy_until: None,
        refunds: 0,
        created_at: hour(0),
        expires_at: hour(24),
        paid_at: paid.then_some(hour(1)),
        refunded_at: None,
        last_look_at: None,
        charged_back: Money::ZERO,
        note: String::new(),
        version: 1,
    }
}

fn at(state: PaymentState) -> Model {
    match state {
        Created | Paid | Failed | Expired => row(state, 0, 0),
        Refunding => row(state, 100, 0),
        Refunded => row(state, 100, 100),
    }
}

/// BAL-5: money is counted once, whenever it arrives; a different amount never is.
#[test]
fn bal_5_money_that_comes() {
    let comes = |state, amount| {
        came(&at(state), Money(amount), hour(2)).map(|next| next.map(|row| row.state))
    };
    assert_eq!(comes(Created, 100), Ok(Some(Paid)));
    assert_eq!(comes(Failed, 100), Ok(Some(Paid)));
    assert_eq!(comes(Expired, 100), Ok(Some(Paid)));
    for state in [Paid, Refunding, Refunded] {
        assert_eq!(comes(state, 100), Ok(None));
        assert_eq!(comes(state, 99), Ok(None));
    }
    for state in [Created, Failed, Expired] {
        for amount in [99, 101, 0, -100, 10_000] {
            assert_eq!(comes(state, amount), Err(Refusal::PaymentAmountWrong));
        }
    }
    assert_eq!(came(&at(Created), Money(100), hour(2)).unwrap().unwrap().paid_at, Some(hour(2)));
}

/// BAL-5: only an awaited payment can fail or expire.
#[test]
fn bal_5_what_is_given_up() {
    for state in ALL {
        let failed = given_up(&at(state), Failed, hour(2)).map(|row| row.state);
        assert_eq!(failed, (state == Created).then_some(Failed));
        let expired = given_up(&at(state), Expired, hour(2)).map(|row| row.state);
        assert_eq!(expired, (state == Created).then_some(Expired));
    }
}

/// BAL-5: a top-up can be refunded within 24 hours of being paid, once.
#[test]
fn bal_5_what_may_go_back() {
    let may = |state, now| refundable(&at(state), 24, now);
    assert_eq!(may(Created, hour(2)), Err(Refusal::PaymentNotPaid));
    assert_eq!(may(Failed, hour(2)), Err(Refusal::PaymentNotPaid));
    assert_eq!(may(Expired, hour(2)), Err(Refusal::PaymentNotPaid));
    assert_eq!(may(Paid, hour(25)), Ok(()));
    assert_eq!(may(Paid, hour(25) + TimeDelta::microseconds(1)), Err(Refusal::RefundOver));
    assert_eq!(may(Refunding, hour(2)), Err(Refusal::RefundRunning));
    assert_eq!(may(Refunded, hour(2)), Err(Refusal::PaymentRefunded));
}

/// PEN-7: a payment is refunded in parts, at most in full, and each part is requested separately.
#[test]
fn pen_7_a_payment_goes_back_in_parts() {
    let back = |state, amount| sent_back(&at(state), Money(amount)).map(|row| row.state);
    for state in [Created, Failed, Expired] {
        assert_eq!(back(state, 1), Err(Refusal::PaymentNotPaid));
    }
    assert_eq!(back(Paid, 100), Ok(Refunding));
    assert_eq!(back(Paid, 101), Err(Refusal::PaymentRefunded));
    assert_eq!(back(Refunding, 1), Err(Refusal::PaymentRefunded));
    assert_eq!(back(Refunded, 1), Err(Refusal::PaymentRefunded));
    for state in [Created, Paid, Failed, Expired, Refunded] {
        assert!(asking(&at(state), hour(9)).is_none());
        assert!(gone_back(&at(state), hour(2)).is_none());
        assert!(kept(&at(state)).is_none());
    }

    let first = sent_back(&at(Paid), Money(40)).unwrap();
    let (asked, amount) = asking(&first, hour(9)).unwrap();
    assert_eq!((amount.0, unasked(&first).0, unasked(&asked).0), (40, 40, 0));
    // An amount added while the first part is in progress is not part of that request.
    let both = sent_back(&asked, Money(60)).unwrap();
    assert_eq!(asking(&both, hour(9)).unwrap().1, Money(40));
    let (one, gone) = gone_back(&both, hour(2)).unwrap();
    assert_eq!((one.state, one.returned.0, gone.0), (Refunding, 40, 40));
    let (asked, amount) = asking(&one, hour(9)).unwrap();
    assert_eq!(amount, Money(60));
    let (all, _) = gone_back(&asked, hour(3)).unwrap();
    assert_eq!((all.state, all.returned.0, all.refunded_at), (Refunded, 100, Some(hour(3))));
    assert_eq!(all.refunds, 4);
}

/// BAL-5: what the provider refuses to refund stays, and may be refunded later.
#[test]
fn bal_5_what_is_refused_stays() {
    let (asked, _) = asking(&sent_back(&at(Paid), Money(100)).unwrap(), hour(9)).unwrap();
    let (stayed, amount) = kept(&asked).unwrap();
    assert_eq!((stayed.state, stayed.to_return.0, amount.0), (Paid, 0, 100));
    assert_eq!((here(&stayed).0, stayed.refunds), (100, 2));
    let part = sent_back(&at(Paid), Money(40)).unwrap();
    let off = stays(&part, unasked(&part));
    assert_eq!((off.state, here(&off).0), (Paid, 100));
}

/// LIM-11: money that is here can be charged back, once; money that is being refunded cannot.
#[test]
fn lim_11_what_is_charged_back() {
    for state in ALL {
        let next = charged_back(&at(state), Money(100), hour(5));
        assert_eq!(next.is_some(), state == Paid, "{state:?}");
    }
    let next = charged_back(&at(Paid), Money(100), hour(5)).unwrap();
    assert_eq!((next.state, next.returned.0, next.charged_back.0), (Refunded, 100, 100));
    assert_eq!(next.refunded_at, Some(hour(5)));
    let part = charged_back(&at(Paid), Money(40), hour(5)).unwrap();
    assert_eq!((part.state, here(&part).0, part.refunded_at), (Paid, 60, None));
    assert!(charged_back(&at(Paid), Money(101), hour(5)).is_none());
    assert!(charged_back(&at(Paid), Money::ZERO, hour(5)).is_none());
}

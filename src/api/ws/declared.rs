//! A stream of WebSocket bytes that ends as soon as a frame declares more than the allowed length.
//!
//! The WebSocket library compares a frame's length with its limit only once the whole frame has
//! arrived, and buffers until then. This stream parses each frame's head as it passes (RFC 6455
//! §5.2) and ends with [`PayloadError::Overflow`] before a byte of a too long frame is buffered.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

const MASK_BIT: u8 = 0x80;
const LENGTH_BITS: u8 = 0x7f;

/// A parser of the frames of one direction.
#[derive(Debug, Default)]
struct Frames {
    head: Vec<u8>,
    /// Bytes of the current frame that are still to come.
    body: u64,
}

/// The length of a head with its mask, and the length of the body it declares; `None` until that
/// field has arrived.
fn declared(head: &[u8]) -> Option<(usize, u64)> {
    let second = *head.get(1)?;
    let mask = if second & MASK_BIT == 0 { 0 } else { 4 };
    let (size, length) = match second & LENGTH_BITS {
        126 => (4, number(head.get(2..4)?)),
        127 => (10, number(head.get(2..10)?)),
        short => (2, u64::from(short)),
    };
    Some((size + mask, length))
}

/// A number in network byte order.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Frames {
    /// Parses the next bytes; false if a frame declares more than `most`.
    fn pass(&mut self, mut bytes: &[u8], most: u64) -> bool {
        while !bytes.is_empty() {
            if self.body > 0 {
                let skipped = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
                self.body -= u64::try_from(skipped).unwrap_or(self.body);
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let Some((next, rest)) = bytes.split_first() else { break };
            self.head.push(*next);
            bytes = rest;
            if let Some((size, length)) = declared(&self.head) {
                if length > most {
                    return false;
                }
                if self.head.len() >= size {
                    self.body = length;
                    self.head.clear();
                }
            }
        }
        true
    }
}

/// A device's byte stream, with a limit on the length of each frame.
pub struct Limited {
    payload: Payload,
    frames: Frames,
    most: u64,
    over: bool,
}

impl Limited {
    /// Limits each frame to so many bytes.
    #[must_use]
    pub fn new(payload: Payload, most: usize) -> Self {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        Self { payload, frames: Frames::default(), most, over: false }
    }
}

impl Stream for Limited {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.payload).poll_next(context));
        let Some(Ok(bytes)) = next else { return Poll::Ready(next) };
        let most = self.most;
        if self.frames.pass(&bytes, most) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        self.over = true;
        Poll::Ready(Some(Err(PayloadError::Overflow)))
    }
}

/// Whether the stream ended because a frame declared too many bytes.
#[must_use]
pub fn too_long(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<PayloadError>());
    cause.is_some_and(|cause| matches!(cause, PayloadError::Overflow))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a masked text frame, built by hand from RFC 6455 §5.2.
    fn frame(head: &[u8], body: usize) -> Vec<u8> {
        let mut frame = head.to_vec();
        frame.extend([1, 2, 3, 4]);
        frame.extend(std::iter::repeat_n(0_u8, body));
        frame
    }

    fn passes(bytes: &[u8], step: usize) -> bool {
        let mut frames = Frames::default();
        bytes.chunks(step).all(|chunk| frames.pass(chunk, 4096))
    }

    #[test]
    fn a_length_is_known_before_the_body_however_the_bytes_are_cut() {
        let small = frame(&[0x81, 0x85], 5);
        let most = frame(&[0x81, 0xfe, 0x10, 0x00], 4096);
        let both = [small.clone(), most.clone(), small.clone()].concat();
        let over = [small.clone(), vec![0x81, 0xfe, 0x10, 0x01]].concat();
        let huge = [most.clone(), vec![0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat();
        for step in [1, 2, 3, 7, 10_000] {
            assert!(passes(&both, step), "{step}");
            assert!(!passes(&over, step), "{step}: 4,097 bytes");
            assert!(!passes(&huge, step), "{step}: 2^62 bytes");
        }
    }
}

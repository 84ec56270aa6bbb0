//! Parser of an HTTP/1.1 response from bytes; pure, and never reads past the end of the input.

use super::response::Response;

/// The longest response head accepted, bytes.
const HEAD_MAX: usize = 16 * 1024;
/// The longest response body accepted, bytes.
const BODY_MAX: usize = 32 * 1024 * 1024;
/// The terminator of a response head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A parsed response, and what becomes of its connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The response.
    pub(super) response: Response,
    /// Whether the connection may carry another request.
    pub(super) keeps_alive: bool,
}

/// How the end of the body is determined.
#[derive(Debug, Clone, Copy)]
enum Body {
    Sized(usize),
    Chunked,
}

/// Parses a response; `None` while it is incomplete, an error when the bytes are not a response.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Parsed>, String> {
    let Some(end) = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
        return if bytes.len() > HEAD_MAX {
            Err("the head is too long".to_owned())
        } else {
            Ok(None)
        };
    };
    let (head, rest) = bytes.split_at(end);
    let rest = rest.get(HEAD_END.len()..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|fault| fault.to_string())?;
    let (mut parsed, body) = parse_head(head)?;
    let (body, left) = match body {
        Body::Sized(length) if length > BODY_MAX => return Err("the body is too long".to_owned()),
        Body::Sized(length) => match rest.split_at_checked(length) {
            Some((body, left)) => (body.to_vec(), left),
            None => return Ok(None),
        },
        Body::Chunked => match chunks(rest)? {
            Some(whole) => whole,
            None => return Ok(None),
        },
    };
    parsed.response.body = body;
    parsed.keeps_alive &= left.is_empty();
    Ok(Some(parsed))
}

fn parse_head(head: &str) -> Result<(Parsed, Body), String> {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next());
    let status = status.and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("no status: {first}"))?;
    let mut response = Response { status, ..Response::default() };
    let mut keeps_alive = true;
    let mut body = Body::Sized(0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line}"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Sized(value.parse().map_err(|_| format!("no length: {value}"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            keeps_alive = !value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("retry-after") {
            response.retry_after_s = value.parse().ok();
        } else if name.eq_ignore_ascii_case("idempotency-replayed") {
            response.is_replayed = value.eq_ignore_ascii_case("true");
        }
    }
    Ok((Parsed { response, keeps_alive }, body))
}

/// A body and the bytes after it.
type BodyAndRest<'a> = (Vec<u8>, &'a [u8]);

/// The body joined from its chunks, once the last chunk has arrived.
fn chunks(mut rest: &[u8]) -> Result<Option<BodyAndRest<'_>>, String> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return Ok(None);
        };
        let (size, after) = rest.split_at(end);
        let size = std::str::from_utf8(size).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("no chunk size: {size}"))?;
        if body.len().saturating_add(size) > BODY_MAX {
            return Err("the body is too long".to_owned());
        }
        let after = after.get(2..).unwrap_or_default();
        let Some((chunk, left)) = after.split_at_checked(size) else { return Ok(None) };
        let Some(left) = left.strip_prefix(b"\r\n") else {
            return if left.len() < 2 { Ok(None) } else { Err("a chunk does not end".to_owned()) };
        };
        if size == 0 {
            return Ok(Some((body, left)));
        }
        body.extend_from_slice(chunk);
        rest = left;
    }
}

#[cfg(test)]
mod tests {
    use super::{Parsed, parse};

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\nretry-after: 2\r\n\
            Idempotency-Replayed: true\r\n\r\nhello";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(None), "{length}");
        }
        let Parsed { response, keeps_alive } = parse(whole).unwrap().unwrap();
        assert_eq!((response.status, response.retry_after_s), (409, Some(2)));
        assert!(response.is_replayed && keeps_alive);
        assert_eq!(response.body, b"hello");
    }

    #[test]
    fn chunks_are_put_together() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(None), "{length}");
        }
        assert_eq!(parse(whole).unwrap().unwrap().response.body, b"hello!");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        let none = parse(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap().unwrap();
        assert!(none.response.body.is_empty() && !none.keeps_alive);
    }
}

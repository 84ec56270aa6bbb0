//! Parser of an HTTP/1.1 response from bytes; pure, and never reads past the end of the input.

/// The longest response head accepted, bytes.
const HEAD_MAX: usize = 16 * 1024;
/// The longest response body accepted, bytes.
const BODY_MAX: usize = 32 * 1024 * 1024;
/// The terminator of a response head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A complete HTTP response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `Retry-After`, seconds.
    pub(crate) retry_after_s: Option<u64>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Whether the connection may carry another request.
    pub(crate) keeps: bool,
}

/// How the end of the body is determined.
#[derive(Debug, Clone, Copy)]
enum Body {
    Sized(usize),
    Chunked,
}

/// Parses a response; `None` while it is incomplete, an error when the bytes are not a response.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
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
    let (mut answer, body) = parse_head(head)?;
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
    answer.body = body;
    answer.keeps &= left.is_empty();
    Ok(Some(answer))
}

fn parse_head(head: &str) -> Result<(Answer, Body), String> {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next());
    let status = status.and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("no status: {first}"))?;
    let mut answer = Answer { status, keeps: true, ..Answer::default() };
    let mut body = Body::Sized(0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line}"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Sized(value.parse().map_err(|_| format!("no length: {value}"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            answer.keeps = !value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("retry-after") {
            answer.retry_after_s = value.parse().ok();
        }
    }
    Ok((answer, body))
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
    use super::parse;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\nretry-after: 2\r\n\r\nhello";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(None), "{length}");
        }
        let answer = parse(whole).unwrap().unwrap();
        assert_eq!((answer.status, answer.retry_after_s, answer.keeps), (409, Some(2), true));
        assert_eq!(answer.body, b"hello");
    }

    #[test]
    fn chunks_are_put_together() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(None), "{length}");
        }
        assert_eq!(parse(whole).unwrap().unwrap().body, b"hello!");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        let none = parse(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap().unwrap();
        assert!(none.body.is_empty() && !none.keeps);
    }
}

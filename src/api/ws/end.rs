//! The end of a connection: who closes it, and with which code.

use actix_ws::ProtocolError;

use super::declared;

/// Why a connection ends.
pub(super) enum ConnectionEnd {
    /// The device closed it.
    Gone,
    /// The server closes it with this code and reason.
    Close(u16, &'static str),
}

/// The end that a violation of the protocol calls for.
pub(super) fn broken(error: &ProtocolError) -> ConnectionEnd {
    match error {
        ProtocolError::Overflow => ConnectionEnd::Close(1009, "the frame is too big"),
        ProtocolError::Io(error) if declared::too_long(error) => {
            ConnectionEnd::Close(1009, "the frame is too big")
        }
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            ConnectionEnd::Close(1007, "the text is not UTF-8")
        }
        ProtocolError::Io(_) => ConnectionEnd::Gone,
        ProtocolError::UnmaskedFrame
        | ProtocolError::MaskedFrame
        | ProtocolError::InvalidOpcode(_)
        | ProtocolError::InvalidLength(_)
        | ProtocolError::BadOpCode
        | ProtocolError::ContinuationNotStarted
        | ProtocolError::ContinuationStarted
        | ProtocolError::ContinuationFragment(_) => {
            ConnectionEnd::Close(1002, "this is not the WebSocket protocol")
        }
    }
}

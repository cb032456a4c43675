//! The operations of the account page: a row each.

use super::operations::{AnswerKind, Operation, Parameter};

const CLIENT: Parameter = Parameter {
    name: "id",
    place: "path",
    required: true,
    kind: "string",
    example: "5d2e4f61a7c8b9d0e1f203140f3b9c0a",
    help: "The id of the list",
};

pub(super) const ACCOUNT_OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/auth/session",
        id: "session",
        tag: "account",
        summary: "For pages: who is signed in in this browser, whether anybody can, and whether market data can be read",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/api/user/clients",
        id: "clients_list",
        tag: "account",
        summary: "The MCP clients that may act for you: those that you agreed to, and those that are signed in",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "delete",
        path: "/api/user/clients/{id}",
        id: "clients_disconnect",
        tag: "account",
        summary: "Disconnect an MCP client: its tokens are worth nothing, what it opened ends, and it has to ask you again",
        parameters: &[CLIENT],
        answer: AnswerKind::Nothing,
    },
];

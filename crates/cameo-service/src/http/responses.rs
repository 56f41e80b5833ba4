//! The error answers of each kind of call, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Returns a response with a problem as its body for each status, described by its codes.
fn problems(codes: &[(u16, &str)]) -> Responses {
    let response = |&(status, codes): &(u16, &str)| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(codes).content("application/problem+json", body).build();
        (status.to_string(), RefOr::T(response))
    };
    codes.iter().map(response).collect()
}

/// The same with the errors of every call that needs a token.
fn problems_with_token(codes: &[(u16, &str)]) -> Responses {
    let mut responses = problems(&[(401, "`invalid_token`"), (500, "`internal_error`")]);
    responses.extend(problems(codes));
    responses
}

/// The errors of every call that needs a token.
pub struct CommonErrors;

impl IntoResponses for CommonErrors {
    fn responses() -> Responses {
        problems_with_token(&[])
    }
}

/// The errors of a log-in.
pub struct LoginErrors;

impl IntoResponses for LoginErrors {
    fn responses() -> Responses {
        problems(&[
            (400, "`missing_credentials`, `invalid_body`, `invalid_parameter`"),
            (401, "`invalid_credentials`"),
            (408, "`upload_stalled`"),
            (413, "`body_too_large`"),
            (429, "`too_many_failures`: wait `Retry-After` seconds"),
            (503, "`server_busy`: wait `Retry-After` seconds"),
        ])
    }
}

/// The errors of a call that lists tasks.
pub struct ListErrors;

impl IntoResponses for ListErrors {
    fn responses() -> Responses {
        problems_with_token(&[(400, "`invalid_parameter`")])
    }
}

/// The errors of a call on one task.
pub struct TaskErrors;

impl IntoResponses for TaskErrors {
    fn responses() -> Responses {
        problems_with_token(&[(403, "`not_your_task`"), (404, "`task_not_found`")])
    }
}

/// The errors of a call for the events of a task.
pub struct StreamErrors;

impl IntoResponses for StreamErrors {
    fn responses() -> Responses {
        let mut responses = TaskErrors::responses();
        responses.extend(problems(&[(429, "`too_many_streams`: close one, or wait `Retry-After` seconds")]));
        responses
    }
}

/// The errors of a call for a result.
pub struct ResultErrors;

impl IntoResponses for ResultErrors {
    fn responses() -> Responses {
        let not_found = "`task_not_found`, `result_not_ready`, `task_failed`, `task_cancelled`, `result_expired`";
        problems_with_token(&[
            (403, "`not_your_task`"),
            (404, not_found),
            (416, "`range_not_satisfiable`"),
            (503, "`server_busy`: wait `Retry-After` seconds"),
        ])
    }
}

/// The errors of a call on configs.
pub struct ConfigErrors;

impl IntoResponses for ConfigErrors {
    fn responses() -> Responses {
        problems_with_token(&[
            (400, "`invalid_body`, `invalid_parameter`, `too_many_configs`"),
            (403, "`config_is_read_only`"),
            (404, "`config_not_found`"),
            (408, "`upload_stalled`"),
            (413, "`body_too_large`"),
        ])
    }
}

/// The errors of a submission.
pub struct PhotoErrors;

impl IntoResponses for PhotoErrors {
    fn responses() -> Responses {
        let form = "`missing_file`, `several_files`, `too_many_fields`, `field_too_long`, `invalid_form`, `empty_file`";
        problems_with_token(&[
            (400, &format!("`invalid_parameter`, `unknown_config`, {form}")),
            (404, "With `Prefer: wait`: `task_failed`, `task_cancelled`"),
            (408, "`upload_stalled`"),
            (413, "`body_too_large`, `image_too_large`"),
            (415, "`unsupported_image_format`, `unsupported_encoding`"),
            (422, "`undecodable_image`, `idempotency_key_reused`"),
            (429, "`too_many_tasks`: see `X-RateLimit-Limit`, and wait `Retry-After` seconds"),
            (
                503,
                "`queue_full`, `no_engine`, `server_busy`, `store_unavailable`, `storage_full`: wait `Retry-After` seconds",
            ),
        ])
    }
}

//! The part of libcoco that the examples use, safe for Rust.
//!
//! Every object is freed when it is dropped; a failed call is an `Error` with
//! the status and the message of the C library.
//!
//! SPDX-License-Identifier: Apache-2.0

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::c_char;
use std::ptr;

/// What include/coco/*.h declare.
mod c {
    use std::os::raw::{c_char, c_int};

    macro_rules! opaque {
        ($($name:ident)*) => { $(#[repr(C)] pub struct $name { _private: [u8; 0] })* };
    }
    opaque!(coco_bytes coco_ctx coco_error coco_image coco_image_client coco_image_options coco_image_ref coco_kbc);

    pub const COCO_OK: c_int = 0;
    pub const COCO_ERR_INVALID: c_int = -2;

    extern "C" {
        pub fn coco_error_status(err: *const coco_error) -> c_int;
        pub fn coco_error_message(err: *const coco_error) -> *const c_char;
        pub fn coco_error_free(err: *mut coco_error);
        pub fn coco_bytes_data(bytes: *const coco_bytes) -> *const u8;
        pub fn coco_bytes_size(bytes: *const coco_bytes) -> usize;
        pub fn coco_bytes_free(bytes: *mut coco_bytes);
        pub fn coco_ctx_new(ret: *mut *mut coco_ctx, err: *mut *mut coco_error) -> c_int;
        pub fn coco_ctx_free(ctx: *mut coco_ctx);
        pub fn coco_kbc_new(
            params: *const c_char,
            ret: *mut *mut coco_kbc,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_kbc_free(kbc: *mut coco_kbc);
        pub fn coco_kbc_get_resource(
            kbc: *mut coco_kbc,
            ctx: *mut coco_ctx,
            uri: *const c_char,
            ret: *mut *mut coco_bytes,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_kbc_attest(
            kbc: *mut coco_kbc,
            ctx: *mut coco_ctx,
            ret: *mut *mut coco_bytes,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_image_ref_parse(
            text: *const c_char,
            ret: *mut *mut coco_image_ref,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_image_ref_free(reference: *mut coco_image_ref);
        pub fn coco_image_client_new(
            ret: *mut *mut coco_image_client,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_image_client_free(client: *mut coco_image_client);
        pub fn coco_image_client_set_kbc(client: *mut coco_image_client, kbc: *mut coco_kbc);
        pub fn coco_image_pull(
            client: *mut coco_image_client,
            ctx: *mut coco_ctx,
            reference: *const coco_image_ref,
            dir: *const c_char,
            opts: *const coco_image_options,
            ret: *mut *mut coco_image,
            err: *mut *mut coco_error,
        ) -> c_int;
        pub fn coco_image_digest(image: *const coco_image) -> *const c_char;
        pub fn coco_image_free(image: *mut coco_image);
    }
}

/// A failed call: the status, a `coco_status`, and a line for a person.
#[derive(Debug)]
pub struct Error {
    pub status: i32,
    message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

/// An object of C, freed on drop.
struct Object<T> {
    pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Drop for Object<T> {
    fn drop(&mut self) {
        // SAFETY: `pointer` came from the function that `free` belongs to, and nobody else frees it.
        unsafe { (self.free)(self.pointer) }
    }
}

/// Makes a call that gives an object.
fn give<T>(
    free: unsafe extern "C" fn(*mut T),
    call: impl FnOnce(*mut *mut T, *mut *mut c::coco_error) -> i32,
) -> Result<Object<T>> {
    let mut pointer = ptr::null_mut();
    let mut error = ptr::null_mut();
    if call(&mut pointer, &mut error) == c::COCO_OK {
        return Ok(Object { pointer, free });
    }
    // SAFETY: a call that failed has stored an error, which is ours to free.
    unsafe {
        let error = Object {
            pointer: error,
            free: c::coco_error_free,
        };
        Err(Error {
            status: c::coco_error_status(error.pointer),
            message: text(c::coco_error_message(error.pointer)),
        })
    }
}

/// # Safety
///
/// `from` is a C string.
unsafe fn text(from: *const c_char) -> String {
    CStr::from_ptr(from).to_string_lossy().into_owned()
}

fn c_text(from: &str) -> Result<CString> {
    CString::new(from).map_err(|_| Error {
        status: c::COCO_ERR_INVALID,
        message: "text holds a NUL".into(),
    })
}

fn context() -> Result<Object<c::coco_ctx>> {
    // SAFETY: both arguments may be written to.
    give(c::coco_ctx_free, |ret, err| unsafe {
        c::coco_ctx_new(ret, err)
    })
}

fn copy(bytes: Object<c::coco_bytes>) -> Vec<u8> {
    // SAFETY: a coco_bytes has that many bytes, for as long as it lives.
    unsafe {
        let size = c::coco_bytes_size(bytes.pointer);
        std::slice::from_raw_parts(c::coco_bytes_data(bytes.pointer), size).to_vec()
    }
}

/// A key broker client.
pub struct Kbc(Object<c::coco_kbc>);

impl Kbc {
    /// The one that `params` names, `<kbc>::<uri>`.
    pub fn new(params: &str) -> Result<Kbc> {
        let params = c_text(params)?;
        // SAFETY: `params` is a C string, and C does not keep it.
        give(c::coco_kbc_free, |ret, err| unsafe {
            c::coco_kbc_new(params.as_ptr(), ret, err)
        })
        .map(Kbc)
    }

    /// Attests this machine; the broker's token about it.
    pub fn attest(&mut self) -> Result<String> {
        let ctx = context()?;
        // SAFETY: all objects live until the call returns; `&mut self` keeps other threads away.
        let token = give(c::coco_bytes_free, |ret, err| unsafe {
            c::coco_kbc_attest(self.0.pointer, ctx.pointer, ret, err)
        })?;
        Ok(String::from_utf8_lossy(&copy(token)).into_owned())
    }

    /// The resource `kbs:///<repository>/<type>/<tag>`.
    pub fn get(&mut self, uri: &str) -> Result<Vec<u8>> {
        let (ctx, uri) = (context()?, c_text(uri)?);
        // SAFETY: as in attest().
        let secret = give(c::coco_bytes_free, |ret, err| unsafe {
            c::coco_kbc_get_resource(self.0.pointer, ctx.pointer, uri.as_ptr(), ret, err)
        })?;
        Ok(copy(secret))
    }
}

/// Pulls the image `reference`, with keys from `kbc`, into the directory `dir`; its digest.
pub fn pull(kbc: &mut Kbc, reference: &str, dir: &str) -> Result<String> {
    let (ctx, reference, dir) = (context()?, c_text(reference)?, c_text(dir)?);
    // SAFETY: all objects live until the end of this function, and `kbc` longer than the client.
    unsafe {
        let reference = give(c::coco_image_ref_free, |ret, err| {
            c::coco_image_ref_parse(reference.as_ptr(), ret, err)
        })?;
        let client = give(c::coco_image_client_free, |ret, err| {
            c::coco_image_client_new(ret, err)
        })?;
        c::coco_image_client_set_kbc(client.pointer, kbc.0.pointer);
        let image = give(c::coco_image_free, |ret, err| {
            c::coco_image_pull(
                client.pointer,
                ctx.pointer,
                reference.pointer,
                dir.as_ptr(),
                ptr::null(),
                ret,
                err,
            )
        })?;
        Ok(text(c::coco_image_digest(image.pointer)))
    }
}

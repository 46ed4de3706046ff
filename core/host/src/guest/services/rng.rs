//! `jackpot.rng/1`: the host's generator behind C functions, all pure.
use jackpot_abi::{jkp_key, jkp_rng_1};
use jackpot_rng::Key;

pub(in crate::guest) static RNG: jkp_rng_1 = jkp_rng_1 {
    struct_size: size_of::<jkp_rng_1>() as u64,
    fold: Some(fold),
    bits: Some(bits),
    uniform: Some(uniform),
    permutation: Some(permutation),
    normal: Some(normal),
};

/// # Safety
/// `key` is NULL or valid.
unsafe fn read(key: *const jkp_key) -> Option<Key> {
    // SAFETY: by the contract.
    unsafe { key.as_ref() }.map(|k| Key(k.w))
}

/// # Safety
/// `out` is NULL or `n` elements that nobody else uses during the call.
unsafe fn slice<'a, T>(out: *mut T, n: u64) -> &'a mut [T] {
    let bytes = usize::try_from(n)
        .ok()
        .and_then(|n| n.checked_mul(size_of::<T>()));
    if out.is_null() || bytes.is_none_or(|b| b > isize::MAX as usize) {
        return &mut [];
    }
    // SAFETY: by the contract.
    unsafe { std::slice::from_raw_parts_mut(out, n as usize) }
}

unsafe extern "C" fn fold(key: *const jkp_key, data: u64, out: *mut jkp_key) {
    // SAFETY: valid or NULL by the contract.
    let Some(key) = (unsafe { read(key) }) else {
        return;
    };
    // SAFETY: as above; the key was copied, so `out` may be `key`.
    if let Some(out) = unsafe { out.as_mut() } {
        out.w = key.fold(data).0;
    }
}

unsafe extern "C" fn bits(key: *const jkp_key, out: *mut u64, n: u64) {
    // SAFETY: valid or NULL by the contract.
    if let Some(key) = unsafe { read(key) } {
        // SAFETY: `n` elements by the contract.
        jackpot_rng::bits(key, unsafe { slice(out, n) });
    }
}

unsafe extern "C" fn uniform(key: *const jkp_key, out: *mut f64, n: u64) {
    // SAFETY: valid or NULL by the contract.
    if let Some(key) = unsafe { read(key) } {
        // SAFETY: `n` elements by the contract.
        jackpot_rng::uniform(key, unsafe { slice(out, n) });
    }
}

unsafe extern "C" fn permutation(key: *const jkp_key, out: *mut u64, n: u64) {
    // SAFETY: valid or NULL by the contract.
    if let Some(key) = unsafe { read(key) } {
        // SAFETY: `n` elements by the contract.
        let out = unsafe { slice(out, n) };
        out.copy_from_slice(&jackpot_rng::permutation(key, out.len()));
    }
}

unsafe extern "C" fn normal(key: *const jkp_key, out: *mut f32, n: u64) {
    // SAFETY: valid or NULL by the contract.
    if let Some(key) = unsafe { read(key) } {
        // SAFETY: `n` elements by the contract.
        jackpot_rng::normal(key, unsafe { slice(out, n) });
    }
}

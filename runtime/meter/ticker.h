// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A thread that does something again and again while a window is open.
 *
 * Ownership: what ticker_create returns, the caller frees; the context is borrowed until then.
 */
#ifndef JC_METER_TICKER_H
#define JC_METER_TICKER_H

#include <joulecast/status.h>

typedef struct ticker ticker;

/** @param tick  is called with the lock held */
JC_MUST_USE jc_status ticker_create(double interval_s, void (*tick)(void *context), void *context,
                                    ticker **out_ticker, jc_error *err);

/** Stop the thread and free; NULL is allowed. */
void ticker_free(ticker *ticker);

/** Between these two, no tick comes. */
void ticker_lock(ticker *ticker);
void ticker_unlock(ticker *ticker);

/** Tick from now on, or no more. With the lock held. */
void ticker_start(ticker *ticker);
void ticker_stop(ticker *ticker);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "routes/fib_writer.h"

#include <sys/eventfd.h>

#include <algorithm>

namespace weft {

namespace {

template <size_t kBytes>
bool apply(Lpm<kBytes>& table, const RouteOp& op) {
  const uint8_t* prefix = op.prefix.address.data();
  if (op.value != 0) return bool(table.insert(prefix, op.prefix.length, op.value));
  table.erase(prefix, op.prefix.length, op.cover_value, op.cover_length);
  return true;
}

}  // namespace

FibWriter::FibWriter(Worker& worker, Fib& fib)
    : worker_(worker), fib_(fib), done_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

FibWriter::~FibWriter() {
  worker_.call([] {});
}

void FibWriter::execute(Batch& batch, Fib& fib) {
  const bool large4 = fib.ip4.large(), large6 = fib.ip6.large();
  for (Op& op : batch.ops) {
    if (const auto* route = std::get_if<RouteOp>(&op)) {
      const bool done = route->prefix.family == 4 ? apply(fib.ip4, *route) : apply(fib.ip6, *route);
      if (!done) batch.refused.push_back(route->prefix);
    } else if (const auto* on_worker = std::get_if<OnWorker>(&op)) {
      on_worker->work(fib);
    }
  }
  batch.grew_large4 = fib.ip4.large() && !large4;
  batch.grew_large6 = fib.ip6.large() && !large6;
}

void FibWriter::post_one() {
  auto batch = std::make_shared<Batch>();
  const size_t n = std::min(waiting_.size(), kBatch);
  batch->ops.reserve(n);
  std::move(waiting_.begin(), waiting_.begin() + ptrdiff_t(n), std::back_inserter(batch->ops));
  waiting_.erase(waiting_.begin(), waiting_.begin() + ptrdiff_t(n));
  posted_.push_back(batch);
  worker_.post([batch, &fib = fib_, fd = done_fd_.get()] {
    execute(*batch, fib);
    batch->done.store(true, std::memory_order_release);
    ::eventfd_write(fd, 1);
  });
}

bool FibWriter::take_one(std::vector<Prefix>& refused) {
  if (posted_.empty() || !posted_.front()->done.load(std::memory_order_acquire)) return false;
  const std::shared_ptr<Batch> batch = std::move(posted_.front());
  posted_.pop_front();
  refused.insert(refused.end(), batch->refused.begin(), batch->refused.end());
  // Here, so that no packet waits for it.
  if (batch->grew_large4) fib_.ip4.move_to_huge_pages();
  if (batch->grew_large6) fib_.ip6.move_to_huge_pages();
  for (Op& op : batch->ops) {
    if (const auto* here = std::get_if<Here>(&op)) here->work();
  }
  return true;
}

void FibWriter::pump(std::vector<Prefix>& refused) {
  eventfd_t ignored;
  ::eventfd_read(done_fd_.get(), &ignored);
  do {
    while (!waiting_.empty() && posted_.size() < kBatchesAtOnce) post_one();
  } while (take_one(refused));
}

}  // namespace weft

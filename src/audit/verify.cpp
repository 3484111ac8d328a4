#include "audit/verify.hpp"

#include <algorithm>
#include <unordered_map>

namespace deployclaw::audit {

namespace {

class Verifier {
 public:
  explicit Verifier(std::span<const Anchor> anchors) : anchors_(anchors) {}

  void add(const Record& record) {
    if (record_hash(record) != record.hash) find(record, "the record does not match its hash");
    const auto [found, fresh] = places_.try_emplace(record.client, report_.chains.size());
    if (fresh) {
      begin(record);
    } else {
      follow(record, report_.chains[found->second]);
    }
    times_[record.client] = record.created_at;
    for (const auto& anchor : anchors_) {
      if (anchor.client == record.client && anchor.seq == record.seq &&
          anchor.hash != record.hash) {
        find(record, "differs from its anchor: the history was replaced");
      }
    }
  }

  VerifyReport finish() {
    for (const auto& anchor : anchors_) {
      const auto found = places_.find(anchor.client);
      const auto last = found == places_.end() ? 0 : report_.chains[found->second].last_seq;
      if (anchor.seq > last) {
        report_.findings.push_back(
            {anchor.client, anchor.seq,
             "missing: the log ends at " + std::to_string(last) + ", it was cut or rolled back"});
      }
    }
    return std::move(report_);
  }

 private:
  void find(const Record& record, std::string what) {
    report_.findings.push_back({record.client, record.seq, std::move(what)});
  }

  void begin(const Record& record) {
    report_.chains.push_back({.client = record.client,
                              .first_seq = record.seq,
                              .last_seq = record.seq,
                              .last_hash = record.hash});
    if (record.seq == 1) {
      if (record.prev_hash != Hash{}) find(record, "the first record has a predecessor");
      return;
    }
    const bool anchored = std::ranges::any_of(anchors_, [&](const Anchor& anchor) {
      return anchor.client == record.client && anchor.seq == record.seq - 1 &&
             anchor.hash == record.prev_hash;
    });
    if (!anchored) find(record, "the log begins here, without an anchor for the record before");
  }

  void follow(const Record& record, Chain& chain) {
    if (record.seq != chain.last_seq + 1) {
      find(record, "follows record " + std::to_string(chain.last_seq) +
                       ": records are missing, repeated or out of order");
    } else if (record.prev_hash != chain.last_hash) {
      find(record, "is not chained to the record before it");
    }
    if (record.created_at <= times_[record.client]) find(record, "is older than the one before it");
    chain.last_seq = record.seq;
    chain.last_hash = record.hash;
  }

  std::span<const Anchor> anchors_;
  VerifyReport report_;
  std::unordered_map<ClientId, std::size_t> places_;  // index into report_.chains
  std::unordered_map<ClientId, Time> times_;
};

}  // namespace

VerifyReport verify(std::span<const Record> records, std::span<const Anchor> anchors) {
  Verifier verifier(anchors);
  for (const auto& record : records) verifier.add(record);
  return verifier.finish();
}

}  // namespace deployclaw::audit

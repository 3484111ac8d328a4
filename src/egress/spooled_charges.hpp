#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <utility>
#include <vector>

#include "egress/ledger.hpp"
#include "egress/spool_record.hpp"

// What records of the spool charged. Pure.
namespace deployclaw::egress {

// For audit.count_charges (migrations/0011_ledger.sql); empty when nothing was charged. A model
// call that begins and ends among `records` is only settled.
boost::json::object to_charges(const std::vector<SpoolRecord>& records);

// What one agent had used when a former life ended: what the database has, and behind it what lies
// in the spool only.
class PastUses {
 public:
  void add_use(std::string_view scope, domain::Millis at);
  void add_settled(domain::DayNumber day, domain::MicroDollars spent);
  void add_open(Ledger::Key key, domain::DayNumber day, domain::MicroDollars reserved);
  void add(const SpoolRecord& record);
  // What was reserved for calls that nobody saw end counts as spent.
  [[nodiscard]] Ledger::Past take() &&;

 private:
  Ledger::Past past_;
  std::map<Ledger::Key, domain::SpendBook::Open> open_;
};

}  // namespace deployclaw::egress

#include "dns/message.hpp"

#include <ares.h>
#include <gmock/gmock.h>

#include <boost/asio/ip/address_v4.hpp>
#include <memory>

namespace deployclaw::dns {
namespace {

using ::testing::ElementsAre;

// Queries are made and answers read by c-ares: somebody else's reading of the RFC.
Bytes make_query(const std::string& name, std::uint16_t type, int edns_size = 0) {
  unsigned char* data = nullptr;
  int size = 0;
  EXPECT_EQ(
      ares_create_query(name.c_str(), kClassInternet, type, 0x1234, 1, &data, &size, edns_size),
      ARES_SUCCESS);
  Bytes bytes(data, data + size);
  ares_free_string(data);
  return bytes;
}

std::string hex(const Bytes& bytes) { return hex_encode(bytes); }

TEST(DnsQuery, IsReadWithItsCaseKeptForTheEcho) {
  const auto query = parse_query(make_query("Api.EXAMPLE.com", kTypeA));
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(query->id, 0x1234);
  EXPECT_TRUE(query->recursion_desired);
  EXPECT_EQ(query->host, "api.example.com");
  EXPECT_EQ(query->type, kTypeA);
  EXPECT_EQ(query->query_class, kClassInternet);
  EXPECT_FALSE(query->edns);
  EXPECT_EQ(hex(query->question), "03417069074558414d504c4503636f6d0000010001");
}

TEST(DnsQuery, MayCarryEdns) {
  const auto query = parse_query(make_query("example.com", kTypeAaaa, 1232));
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_TRUE(query->edns);
  EXPECT_EQ(query->edns_version, 0);
  auto with_options = make_query("example.com", kTypeA, 1232);
  with_options.back() = 4;  // length of the options
  for (const int byte : {0, 10, 0, 0}) with_options.push_back(static_cast<unsigned char>(byte));
  EXPECT_TRUE(parse_query(with_options));
}

TEST(DnsQuery, ANameThatIsNoHostNameHasNone) {
  // One label "a.b", which is not the name a.b; a label of arbitrary bytes; the root.
  for (const auto* name : {"03612e6200", "03ff00fe00", "00",
                           "0131013001300131"
                           "00"}) {
    const auto bytes =
        hex_decode("123401000001000000000000" + std::string(name) + "00010001").value();
    const auto query = parse_query(bytes);
    ASSERT_TRUE(query) << name << ": " << query.error().message;
    EXPECT_EQ(query->host, std::nullopt) << name;
  }
}

TEST(DnsQuery, RefusesEverythingElse) {
  const std::string name = "076578616d706c6503636f6d00";
  const std::string question = name + "00010001";
  const std::string opt = "00002904d0000000000000";
  struct Case {
    const char* why;
    std::string bytes;
    Code code = Code::kMalformed;
  };
  const std::vector<Case> cases = {
      {"empty", ""},
      {"half a header", "123401000001"},
      {"a response", "123481000001000000000000" + question},
      {"another opcode", "123428000001000000000000" + question, Code::kUnsupported},
      {"truncated", "123403000001000000000000" + question},
      {"no question", "123401000000000000000000"},
      {"two questions", "123401000002000000000000" + question + question},
      {"an answer", "123401000001000100000000" + question},
      {"an authority", "123401000001000000010000" + question},
      {"two additional records", "123401000001000000000002" + question + opt + opt},
      {"an additional record that is none", "123401000001000000000001" + question},
      {"an additional record with a name", "123401000001000000000001" + question + "01" + opt},
      {"an additional record of another type",
       "123401000001000000000001" + question + "0000fa04d0000000000000"},
      {"options beyond the end", "123401000001000000000001" + question + "00002904d0000000000001"},
      {"bytes left over", "123401000001000000000000" + question + "00"},
      {"a compression pointer",
       "123401000001000000000000"
       "c00c00010001"},
      {"a pointer behind a label",
       "123401000001000000000000"
       "0161c00c00010001"},
      {"an unknown label type",
       "123401000001000000000000"
       "416100010001"},
      {"a label beyond the end",
       "123401000001000000000000"
       "3f61"},
      {"no type", "123401000001000000000000" + name},
  };
  for (const auto& [why, bytes, code] : cases) {
    const auto query = parse_query(hex_decode(bytes).value());
    ASSERT_FALSE(query) << why;
    EXPECT_EQ(query.error().code, code) << why;
  }
}

TEST(DnsQuery, ANameMayHave255BytesAndNoMore) {
  const std::string header = "123401000001000000000000";
  const auto label = [](std::size_t size) {
    return hex_encode(Bytes{static_cast<unsigned char>(size)}) + hex_encode(Bytes(size, 'a'));
  };
  const auto longest = label(63) + label(63) + label(63);
  EXPECT_TRUE(parse_query(hex_decode(header + longest + label(61) + "0000010001").value()));
  EXPECT_FALSE(parse_query(hex_decode(header + longest + label(62) + "0000010001").value()));
}

TEST(DnsQuery, CutAnywhereIsRefused) {
  const auto whole = make_query("api.example.com", kTypeA, 1232);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_query(std::span(whole).first(size))) << size;
  }
}

TEST(DnsAnswer, OfAnAddressIsWhatCaresReads) {
  for (const int edns : {0, 1232}) {
    const auto query = parse_query(make_query("Api.Example.com", kTypeA, edns)).value();
    const auto answer = build_answer(query, boost::asio::ip::address_v4(0xC6120001), 60);
    EXPECT_LE(answer.size(), kMaxAnswerBytes);
    std::array<ares_addrttl, 4> records{};
    int count = records.size();
    ASSERT_EQ(ares_parse_a_reply(answer.data(), static_cast<int>(answer.size()), nullptr,
                                 records.data(), &count),
              ARES_SUCCESS);
    ASSERT_EQ(count, 1);
    EXPECT_EQ(records[0].ttl, 60);
    EXPECT_EQ(ntohl(records[0].ipaddr.s_addr), 0xC6120001);
    EXPECT_EQ(hex({answer.begin() + 12, answer.begin() + 12 + 21}),
              "03417069074578616d706c6503636f6d0000010001");
  }
}

TEST(DnsAnswer, WithoutRecordsCarriesItsCode) {
  const auto query = parse_query(make_query("example.com", kTypeAaaa)).value();
  const auto empty = build_answer(query, ResponseCode::kNoError);
  EXPECT_EQ(hex(empty),
            "123481800001000000000000"
            "076578616d706c6503636f6d00001c0001");
  EXPECT_EQ(build_answer(query, ResponseCode::kNoSuchName)[3] & 0xF, 3);
  EXPECT_EQ(build_answer(query, ResponseCode::kRefused)[3] & 0xF, 5);
}

TEST(DnsAnswer, TellsAnUnknownEdnsVersionByTheExtendedCode) {
  auto bytes = make_query("example.com", kTypeA, 1232);
  bytes[bytes.size() - 5] = 1;  // version
  const auto query = parse_query(bytes).value();
  ASSERT_EQ(query.edns_version, 1);
  const auto answer = build_answer(query, ResponseCode::kBadVersion);
  EXPECT_EQ(answer[3] & 0xF, 0);
  EXPECT_EQ(answer[answer.size() - 6], 1);
  EXPECT_EQ(answer[answer.size() - 5], 0);
}

TEST(DnsRefusal, EchoesTheIdOfAQueryAndNothingElse) {
  const auto garbage = hex_decode("beef0100ffffffffffffffffdeadbeef").value();
  const auto refusal = build_refusal(garbage, ResponseCode::kFormatError);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(hex(*refusal), "beef81010000000000000000");
  EXPECT_FALSE(build_refusal(std::span(garbage).first(11), ResponseCode::kFormatError));
  const auto response = hex_decode("beef8100000100000000000000").value();
  EXPECT_FALSE(build_refusal(response, ResponseCode::kFormatError));
}

}  // namespace
}  // namespace deployclaw::dns

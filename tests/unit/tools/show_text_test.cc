// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tools/weft/show.h"
#include "tools/weft/table.h"

namespace weft::cli {
namespace {

TEST(Table, AlignsColumnsByCharacters) {
  Table table({{"NAME"}, {"N", true}});
  table.add({"a", "1"});
  table.add({"é", "100"});
  EXPECT_EQ(table.text(false), "NAME    N\na       1\né     100\n");
  EXPECT_EQ(table.text(true).substr(0, 4), "\033[1m");
}

TEST(ShowText, RunHasARowForEachStage) {
  const auto data = admin::Json::parse(R"({"paths":[{"path":"a/ip","transform":null,"in":4,"dropped":1,
      "cycles_per_packet":20.25,
      "stages":[{"stage":"ip","calls":2,"packets":4,"packets_per_call":2.0,"cycles_per_packet":10.5,"dropped":1}]}]})");
  for (const View& view : views()) {
    if (view.what != std::string("run")) continue;
    EXPECT_EQ(view.text(data, false),
              "PATH  STAGE       CALLS  PACKETS  PACKETS/CALL  CYCLES/PACKET  DROPPED\n"
              "a/ip  all stages      -        4             -           20.2        1\n"
              "        ip            2        4           2.0           10.5        1\n");
  }
}

TEST(ShowText, SessionsAndWhyTheirPacketsWereDropped) {
  const auto data =
      admin::Json::parse(R"({"snow":[{"ee":"echo","place":"process 7","user":null,"principal":"",
      "objects":4,"objects_limit":4096,"queued":5,"in":10,"out":12,"refused":1,"dropped":2,"faults":3,
      "drops":{"path_closed":2}}]})");
  for (const View& view : views()) {
    if (view.what != std::string("snow")) continue;
    EXPECT_EQ(
        view.text(data, false),
        "EE    PLACE      USER  PRINCIPAL  OBJECTS  AT MOST  QUEUED  FROM EE  TO EE  REFUSED  DROPPED  "
        "FAULTS\n"
        "echo  process 7     -  -                4     4096       5       10     12        1        2       "
        "3\n"
        "echo: 2 dropped, path_closed\n");
  }
}

TEST(ShowText, EveryViewTakesEmptyAndUnknownAnswers) {
  for (const View& view : views()) {
    EXPECT_FALSE(view.text(admin::Json::object(), false).empty()) << view.what;
    EXPECT_FALSE(view.text({{view.what, {{{"new", 1}}}}}, true).empty()) << view.what;
  }
}

}  // namespace
}  // namespace weft::cli

#include "runtimes/image_build.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace deployclaw::runtimes {
namespace {

namespace fs = std::filesystem;

// A recipe that writes a tiny "tar" and counts how often it ran.
class ImageBuildTest : public ::testing::Test {
 protected:
  ImageBuildTest() {
    std::string name = (fs::temp_directory_path() / "image_build_XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    options_.images_dir = root_ / "images";
    options_.cache_dir = root_ / "cache";
    options_.work_dir = root_ / "work";
    options_.records_dir = root_ / "records";
    runtime_.name = "tiny";
    runtime_.version = "1";
    runtime_.image.name = "deployclaw/tiny";
    runtime_.image.recipe = "tiny";
    runtime_.image.changes = {"USER 10001"};
    write(options_.images_dir / "recipe.sh", "");
    write(options_.images_dir / "init/agent_init.cpp", "int main() {}");
    recipe("echo one; echo two >&2; mkdir -p \"$2\"; printf tar >\"$1\"");
  }
  ~ImageBuildTest() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::trunc) << text;
  }
  void recipe(const std::string& body) {
    const fs::path path = options_.images_dir / "tiny/build";
    write(path, "#!/bin/sh\necho run >>'" + (root_ / "runs").string() + "'\n" + body + "\n");
    fs::permissions(path, fs::perms::owner_all);
  }
  int runs() const {
    std::ifstream in(root_ / "runs");
    int count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  }
  Result<ImageRecord> build() {
    return build_image(
        runtime_, options_, [this](std::string_view line) { lines_.emplace_back(line); },
        [this](const std::string& reference) -> Result<std::string> {
          return reference == loaded_ ? "sha256:image" : "";
        },
        [this](const fs::path&, const std::string& reference,
               const std::vector<std::string>& changes) -> Result<std::string> {
          ++imports_;
          changes_ = changes;
          loaded_ = reference;
          return "sha256:image";
        });
  }
  fs::path cached_tar() const {
    for (const auto& entry : fs::directory_iterator(options_.cache_dir)) {
      if (entry.path().extension() == ".tar") return entry.path();
    }
    return {};
  }

  fs::path root_;
  ImageBuildOptions options_;
  Runtime runtime_;
  std::vector<std::string> lines_;
  std::vector<std::string> changes_;
  std::string loaded_;
  int imports_ = 0;
};

TEST_F(ImageBuildTest, RunsTheRecipeLoadsTheTarAndRecordsIt) {
  const auto record = build();
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->image_id, "sha256:image");
  EXPECT_EQ(record->size_bytes, 3U);
  EXPECT_TRUE(record->reference.starts_with("deployclaw/tiny:1-")) << record->reference;
  EXPECT_EQ(changes_, std::vector<std::string>{"USER 10001"});
  EXPECT_NE(std::ranges::find(lines_, "one"), lines_.end());
  EXPECT_NE(std::ranges::find(lines_, "two"), lines_.end());
  const auto stored = read_image_record(options_.records_dir, "tiny");
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->reference, record->reference);
  EXPECT_EQ(stored->sha256, record->sha256);
  EXPECT_EQ(stored->size_bytes, 3U);
  EXPECT_TRUE(fs::is_empty(options_.work_dir));
}

TEST_F(ImageBuildTest, DoesNothingWhenTheRecordedImageIsThere) {
  ASSERT_TRUE(build());
  ASSERT_TRUE(build());
  EXPECT_EQ(runs(), 1);
  EXPECT_EQ(imports_, 1);
}

TEST_F(ImageBuildTest, LoadsFromTheCacheWhenTheEngineLostTheImage) {
  ASSERT_TRUE(build());
  loaded_.clear();
  ASSERT_TRUE(build());
  EXPECT_EQ(runs(), 1);
  EXPECT_EQ(imports_, 2);
}

TEST_F(ImageBuildTest, BuildsAgainWhenTheCachedTarWasChanged) {
  ASSERT_TRUE(build());
  loaded_.clear();
  write(cached_tar(), "bad");
  const auto record = build();
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(runs(), 2);
}

TEST_F(ImageBuildTest, DoesNotBelieveATarWithoutItsHash) {
  ASSERT_TRUE(build());
  loaded_.clear();
  fs::remove(cached_tar().string() + ".sha256");
  ASSERT_TRUE(build());
  EXPECT_EQ(runs(), 2);
}

TEST_F(ImageBuildTest, AnyChangeOfRecipeInitOrImportMakesAnotherKey) {
  const auto first = image_key(runtime_, options_);
  ASSERT_TRUE(first) << first.error().message;
  write(options_.images_dir / "init/agent_init.cpp", "int main() { return 1; }");
  const auto second = image_key(runtime_, options_);
  runtime_.image.changes = {"USER 10002"};
  const auto third = image_key(runtime_, options_);
  write(options_.images_dir / "tiny/extra", "");
  const auto fourth = image_key(runtime_, options_);
  EXPECT_NE(*first, *second);
  EXPECT_NE(*second, *third);
  EXPECT_NE(*third, *fourth);
}

TEST_F(ImageBuildTest, TellsTheLastLinesOfARecipeThatFails) {
  recipe("echo the reason; exit 3");
  const auto record = build();
  ASSERT_FALSE(record);
  EXPECT_NE(record.error().message.find("exit code 3"), std::string::npos);
  EXPECT_NE(record.error().message.find("the reason"), std::string::npos);
  EXPECT_FALSE(read_image_record(options_.records_dir, "tiny"));
  EXPECT_EQ(imports_, 0);
}

TEST_F(ImageBuildTest, TwoBuildsOfOneKeyRunTheRecipeOnce) {
  recipe("sleep 0.2; printf tar >\"$1\"");
  const auto quiet = [&] {
    return build_image(
        runtime_, options_, {}, [](const std::string&) -> Result<std::string> { return ""; },
        [](const fs::path&, const std::string&,
           const std::vector<std::string>&) -> Result<std::string> { return "sha256:x"; });
  };
  bool other = false;
  std::thread second([&] { other = quiet().has_value(); });
  const bool own = quiet().has_value();
  second.join();
  EXPECT_TRUE(own);
  EXPECT_TRUE(other);
  EXPECT_EQ(runs(), 1);
}

TEST_F(ImageBuildTest, AnArchiveMustHaveTheHashThatWasGiven) {
  runtime_.image.needs_archive = true;
  EXPECT_EQ(build().error().code, Code::kInvalid);
  options_.archive = root_ / "release.tar.gz";
  write(options_.archive, "abc");
  options_.archive_sha256 = std::string(64, '0');
  EXPECT_EQ(build().error().code, Code::kInvalid);
  options_.archive_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  recipe("[ -f \"$1\" ] && [ ${#2} = 64 ] && printf tar >\"$3\"");
  const auto record = build();
  EXPECT_TRUE(record) << record.error().message;
}

TEST_F(ImageBuildTest, ARuntimeWithoutRecipeIsNotBuilt) {
  runtime_.image.source = ImageSource::kAllowed;
  EXPECT_EQ(build().error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace deployclaw::runtimes

# SPDX-License-Identifier: Apache-2.0
"""What the documents show is what the program does."""

import re
import unittest

from driver import SOURCE, Process

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/TECHNIQUES.md", "docs/SURVEY.md")


class Documents(Process):
    def test_architectures_of_the_readme_can_be_predicted(self):
        blocks = re.findall(r"```yaml\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
        self.assertGreaterEqual(len(blocks), 1)
        for block in blocks:
            self.assertGreater(self.predict(self.write("readme.yaml", block))["totals"]["params"],
                               0)

    def test_commands_of_the_readme_exist(self):
        for line in re.findall(r"^(?:\$ )?joulecast .*", (SOURCE / "README.md").read_text(),
                               re.MULTILINE):
            words = line.split("#")[0].removeprefix("$ ").split()
            text = self.run_program(words[1], "--help").stdout
            for option in (word for word in words[2:] if word.startswith("-")):
                self.assertIn(f"{option}", text, line)

    def test_linked_files_exist(self):
        for name in DOCUMENTS:
            text = (SOURCE / name).read_text()
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
                if not target.startswith("http"):
                    self.assertTrue(((SOURCE / name).parent / target).exists(), (name, target))


if __name__ == "__main__":
    unittest.main()

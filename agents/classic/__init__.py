"""AutoGen as `import autogen` gives it: autogen 0.14 and pyautogen 0.9."""

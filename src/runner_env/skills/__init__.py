"""Skill testing: a skill is exercised by cases on agent programs, and its answers are judged."""

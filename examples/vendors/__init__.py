"""Vendors' own clients, as the tools of the examples use them: what each does unexpectedly is put
right here, and what went wrong is said in the sentence that agents get to read.

They block, so the tools and checks that use them are plain functions: the gate runs these in
threads of their workflow. docs/uses.md says what each of them does.
"""

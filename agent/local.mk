# agent: the programs wgengine and meshagent.
